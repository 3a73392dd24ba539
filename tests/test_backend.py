"""The backend: devices of a CPU, and threads enough for all of them."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_second_call_before_anything_is_computed_counts():
    code = "import jax, os, regimax as rx; rx.prepare_cpu(3); rx.prepare_cpu(1); print(jax.device_count(), os.environ"
    code += "['NPROC'])"
    bare = {name: value for name, value in os.environ.items() if name not in ("NPROC", "XLA_FLAGS")}
    for env, pool in ((bare, "2"), (bare | {"NPROC": "4"}, "4")):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["1", pool]


def test_no_devices_are_refused():
    with pytest.raises(rx.UserError, match="devices = 0 is below 1"):
        rx.prepare_cpu(0)


def test_what_was_compiled_is_kept_in_a_folder_of_the_user(tmp_path):
    code = "import jax, regimax.backend as b; b.use_compilation_cache(); print(jax.config.jax_compilation_cache_dir)"
    bare = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    for more, folder in (({}, tmp_path / "regimax" / "xla"), ({"JAX_COMPILATION_CACHE_DIR": "mine"}, Path("mine"))):
        env = bare | {"XDG_CACHE_HOME": str(tmp_path)} | more
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert Path(done.stdout.strip()) == folder
