"""Strict JAX for every test; two CPU devices, as on a small machine."""

import jax
import pytest

from regimax.backend import prepare_cpu, use_compilation_cache

prepare_cpu(2)
use_compilation_cache()
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_legacy_prng_key", "error")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """What a test writes by a relative path stays out of the checkout."""
    monkeypatch.chdir(tmp_path)
