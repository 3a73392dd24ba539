"""The arithmetic of the ceilings. Nothing here depends on how fast a machine is."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.bench import ceilings
from regimax.probes import count_flops


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (ceilings.product(256, 3, np.float32), 3 * 2 * 256**3),
        (ceilings.product(256, 2, jnp.bfloat16), 2 * 2 * 256**3),
        (ceilings.small_products(8, 5), 5 * 8 * 2 * 128 * 64 * 64),
    ],
    ids=["large", "bfloat16", "small"],
)
def test_work_is_what_the_trace_counts(kernel, expected):
    assert kernel.unit == "FLOP"
    assert kernel.work == expected
    # Besides the products only what keeps the chain at its size, once per call.
    assert kernel.work <= count_flops(kernel.function, kernel.argument) < 1.02 * kernel.work


def test_work_of_a_pass_over_memory_is_its_bytes_in_and_out():
    kernel = ceilings.memory(2**20)
    assert kernel.unit == "B"
    assert kernel.work == 2 * 2**20
    assert kernel.argument.nbytes == kernel.function(kernel.argument).nbytes == 2**20
    np.testing.assert_array_equal(kernel.function(kernel.argument), np.ones(2**18, np.float32))


def test_a_chain_of_products_stays_at_its_size():
    kernel = ceilings.small_products(2, 64)
    pair = kernel.argument
    for _ in range(3):
        pair = jax.jit(kernel.function)(pair)
    assert np.linalg.norm(pair[0]) == pytest.approx(np.linalg.norm(kernel.argument[0]), rel=1e-3)


@pytest.mark.parametrize("devices", [1, 2])
def test_rates_are_work_over_time_on_all_devices(monkeypatch, devices):
    # A clock that goes on by a second each time it is read: every repetition takes one, and one call is long enough.
    monkeypatch.setattr(ceilings.time, "perf_counter", itertools.count().__next__)
    kernel = ceilings.memory(2**12)
    found = ceilings.measure(kernel, jax.local_devices()[:devices], 3)
    assert found.devices == devices
    assert found.best == found.median == devices * kernel.work


def test_every_platform_has_the_three_kernels_and_a_cpu_no_more():
    names = [kernel.name for kernel in ceilings.kernels("cpu", 8, 2)]
    assert names == [ceilings.LARGE, ceilings.SMALL, ceilings.MEMORY]


def test_many_devices_share_a_cpus_memory():
    sizes = {devices: ceilings.kernels("cpu", 8, devices)[-1].argument.nbytes for devices in (1, 32, 256)}
    assert sizes == {1: 128 * 2**20, 32: 32 * 2**20, 256: 16 * 2**20}
