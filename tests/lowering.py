"""Lowering in tests: without what no test reads, and without making anew what serves all. No public parts of JAX."""

import threading
import time
from collections import OrderedDict
from inspect import signature

import jax
from jax._src import compilation_cache
from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

LOWERED_IN_ONE = 500
"""Modules that are lowered in one of MLIR's contexts, which keeps some of each."""

KEPT = 32
"""Programs that are kept as they were loaded; each has some hundred memory maps."""

LONG = 0.02
"""Seconds of loading from which on it is worth that."""

loaded: OrderedDict = OrderedDict()
"""Programs and how long they took to compile, by what tells them apart and by device; the newest last."""

_load, _lock = compilation_cache.get_executable_and_time, threading.Lock()
_make_context, _of_thread = mlir.make_ir_context, threading.local()


def lower_quickly():
    """Leaves out where each operation was written and what it is called, and has a context serve many modules.

    Without a name an operation is sooner compiled and loaded; to make a context takes longer than to lower most of what
    is run here.
    """
    jax.config.update("jax_traceback_in_locations_limit", 0)
    mlir.source_info_to_location = lambda *_, **__: ir.Location.unknown()
    mlir.make_ir_context = _context


def load_once():
    """Has the cache of compiled programs give again what it gave: to load one takes a quarter of compiling it."""
    if [*signature(_load).parameters] == ["cache_key", "compile_options", "backend", "executable_devices"]:
        compilation_cache.get_executable_and_time = _again  # a later JAX tells it more


def _again(key, options, backend, devices):
    at = key, tuple(device.id for device in devices)
    with _lock:
        if at in loaded:
            loaded.move_to_end(at)
            return loaded[at]
    begun = time.perf_counter()
    found = _load(key, options, backend, devices)
    if found[0] is not None and time.perf_counter() - begun > LONG:
        with _lock:
            loaded[at] = found
            while len(loaded) > KEPT:
                loaded.popitem(last=False)
    return found


def _context():
    left = getattr(_of_thread, "left", 0)
    try:
        _ = ir.InsertionPoint.current
        return _make_context()  # in the thread's own it would become a part of what is being lowered
    except ValueError:
        if not left:
            _of_thread.context, left = _make_context(), LOWERED_IN_ONE
    _of_thread.left = left - 1
    return _of_thread.context
