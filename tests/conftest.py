"""Strict JAX for every test; two CPU devices, as on a small machine."""

import os

import jax
import pytest

from regimax.backend import prepare_cpu, use_compilation_cache

prepare_cpu(2)
use_compilation_cache()
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_legacy_prng_key", "error")


def pytest_configure(config):
    """Most tests run tiny programs once: compiling them is what takes the time, and code as it comes is fast enough."""
    if config.option.markexpr == "not slow":
        os.environ["XLA_FLAGS"] += " --xla_backend_optimization_level=0"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """What a test writes by a relative path stays out of the checkout."""
    monkeypatch.chdir(tmp_path)
