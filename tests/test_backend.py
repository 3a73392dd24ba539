"""The backend: devices of a CPU, and threads enough for all of them."""

import os
import subprocess
import sys

import pytest

import regimax as rx

BATCHED_LAPACK = """
import jax, jax.numpy as jnp, regimax as rx
rx.prepare_cpu(2)
orthogonal = jax.jit(jax.vmap(lambda key: jnp.linalg.qr(jax.random.normal(key, (256, 256)))[0]))
keys = [jax.device_put(jax.random.split(jax.random.key(0), 8), device) for device in jax.devices()]
for _ in range(20):
    jax.block_until_ready([orthogonal(k) for k in keys])
print(len(jax.devices()))
"""


def test_lapack_on_all_devices_at_once_does_not_starve():
    bare = {name: value for name, value in os.environ.items() if name not in ("NPROC", "XLA_FLAGS")}
    done = subprocess.run(
        [sys.executable, "-c", BATCHED_LAPACK], env=bare, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "2"


def test_no_devices_are_refused():
    with pytest.raises(rx.UserError, match="devices = 0 is below 1"):
        rx.prepare_cpu(0)
