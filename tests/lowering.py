"""Lowering in tests: without what no test reads, and without making anew what serves all. No public parts of JAX."""

import threading

import jax
from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

LOWERED_IN_ONE = 500
"""Modules that are lowered in one of MLIR's contexts, which keeps some of each."""

_make_context, _of_thread = mlir.make_ir_context, threading.local()


def lower_quickly():
    """Leaves out where each operation was written and what it is called, and has a context serve many modules.

    Without a name an operation is sooner compiled and loaded; to make a context takes longer than to lower most of what
    is run here.
    """
    jax.config.update("jax_traceback_in_locations_limit", 0)
    mlir.source_info_to_location = lambda *_, **__: ir.Location.unknown()
    mlir.make_ir_context = _context


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
