"""Strict JAX for every test; two CPU devices, as on a small machine."""

import gc
import importlib.util
import itertools
import os

import jax
import pytest

from regimax import memory_maps
from regimax.backend import UNOPTIMIZED, prepare_cpu, use_compilation_cache
from regimax.frames import with_room
from regimax.sweep import engines

from .loading import load_once, loaded
from .lowering import lower_once, lower_quickly
from .pages import browser, tags  # noqa: F401 - fixtures
from .planning import traced_once  # noqa: F401 - a fixture
from .tracing import map_once

# Most programs are tiny, and there are thousands; those that tests begin are to keep theirs too.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
map_once()
lower_quickly()
lower_once()
load_once()
gc.set_threshold(1_000_000, 20, 10)  # rarer than on the command line: there is room
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_legacy_prng_key", "error")


_modules = itertools.count()


def pytest_addoption(parser):
    parser.addoption("--write-curves", action="store_true", help="commit anew what tests/regimes/curves holds")


def pytest_configure(config):
    """Most tests run tiny programs once: compiling them is what takes the time, and code as it comes is fast enough."""
    # In one piece code compiles sooner, and takes so few memory maps that little of it need be let go between modules.
    flags = f"{UNOPTIMIZED} --xla_cpu_parallel_codegen_split_count=1"
    if jax.__version_info__ < (0, 11):  # XLA is without that flag later, and ends a process that gives it
        flags += " --xla_cpu_use_fusion_emitters=false"
    if config.option.markexpr in ("not slow", "versions") and flags not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    for pool in ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(pool, "1")  # every core has a process of tests; read by those that are begun from now on
    prepare_cpu(2)
    use_compilation_cache()
    jax.devices()  # from now on there are two, also for a command that would do with one


def pytest_collection_finish():
    """Letting go of programs is looking for what nothing holds any more: not among what all tests are made of."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish():
    """What tests left is looked at here, for errors in what nobody saw end, and not again when the process ends."""
    gc.collect()
    gc.freeze()


def pytest_itemcollected(item):
    """Tests trace, and pytest's own frames lie below theirs."""
    item.setup, item.runtest = with_room(item.setup), with_room(item.runtest)


def pytest_collection_modifyitems(items):
    """An example in a docstring that needs an extra is skipped where that cannot be had, as gymnax beside jax 0.12."""
    for item in items:
        if item.name == "regimax.envs.gymnax.make" and not importlib.util.find_spec("gymnax"):
            item.add_marker(pytest.mark.skip(reason="gymnax is not installed"))


@pytest.fixture(autouse=True, scope="module")
def _programs_are_let_go():
    """Every compiled program holds some of the memory maps that Linux grants a process, and XLA crashes without."""
    yield
    # To count them takes milliseconds, and four modules take no more than is left.
    if next(_modules) % 4 == 0 and memory_maps.crowded():
        jax.clear_caches()
        loaded.clear()
        engines.forget()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """What a test writes by a relative path stays out of the checkout."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def loaded_each_time(monkeypatch):
    """Programs are loaded when they are asked for, as they are outside of tests."""
    monkeypatch.setattr("tests.loading.KEPT", 0)
    loaded.clear()


@pytest.fixture
def collect():
    """Looks for garbage among what came since the test began: among all there is takes seconds."""
    gc.collect(0)  # what came before is older from now on
    gc.disable()
    yield lambda: gc.collect(0)
    gc.enable()
