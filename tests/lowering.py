"""Lowering in tests: without what no test reads, and once for all runs. No public parts of JAX."""

import hashlib
import inspect
import io
import os
import sys
import threading
import time
from functools import cache
from pathlib import Path

import jax
import jaxlib
from jax._src import compilation_cache, config
from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

from regimax import backend
from regimax.sweep import fingerprint

LOWERED_IN_ONE = 500
"""Modules that are lowered in one of MLIR's contexts, which keeps some of each."""

LONG = 0.008
"""Seconds of lowering from which on a module is kept."""

_make_context, _of_thread = mlir.make_ir_context, threading.local()
_lower = mlir.lower_jaxpr_to_module


def lower_quickly():
    """Leaves out where each operation was written and what it is called, and has a context serve many modules.

    Without a name an operation is sooner compiled and loaded; to make a context takes longer than to lower most of what
    is run here.
    """
    jax.config.update("jax_traceback_in_locations_limit", 0)
    jax.config.update("jax_compilation_cache_include_metadata_in_key", True)  # there is next to none to be taken out
    mlir.source_info_to_location = lambda *_, **__: ir.Location.unknown()
    mlir.make_ir_context = _context


def lower_once():
    """Keeps what took long to lower beside the cache of compiled programs, by the trace it came from.

    Looked up it takes a twentieth of the time. Lowered each time is what readies code outside of the module, such as
    LAPACK or a function of the host.
    """
    fields = "module", "keepalive", "host_callbacks", "shape_poly_state"
    told = {"platforms", "backend", "lowering_parameters"}
    if told <= {*inspect.signature(_lower).parameters} and mlir.LoweringResult._fields == fields:
        mlir.lower_jaxpr_to_module = _lower_or_look_up


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


def _sha(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _rules():
    """What a module depends on besides its trace: the rules of JAX and of this project, and this file's."""
    sources = [inspect.getsource(module) for module in (backend, fingerprint, sys.modules[__name__])]
    return _sha(jax.__version__, jaxlib.__version__, os.environ.get("XLA_FLAGS"), *sources)


def _folder():
    """Where modules are kept, beside what is compiled from them."""
    compiled = jax.config.jax_compilation_cache_dir
    return compiled and Path(compiled, "lowered")


def _place(name, jaxpr, told):
    """Where a module is kept; nowhere if what it depends on cannot be told from its text."""
    folder, own_rules = _folder(), told["lowering_parameters"].override_lowering_rules
    if not folder or jaxpr.effects or own_rules:
        return None
    context = [repr(value) for value in config.trace_context()]
    rest = repr([(key, value) for key, value in told.items() if key != "backend"])
    if " at 0x" in rest:
        return None
    known = [text for text in context if " at 0x" not in text]
    return Path(folder, _sha(_rules(), name, fingerprint.fingerprint(jaxpr), known, rest))


def _lower_or_look_up(name, jaxpr, **told):
    place = _place(name, jaxpr, told)
    shapes = mlir.ShapePolyLoweringState((), told["platforms"])  # none with a size that is not known
    if place and place.exists():
        context = mlir.make_ir_context()
        with context, ir.Location.unknown(context):
            module = ir.Module.parse(compilation_cache.decompress_executable(place.read_bytes()))
        return mlir.LoweringResult(module, [], [], shapes)
    begun = time.perf_counter()
    lowered = _lower(name, jaxpr, **told)
    alone = not lowered.keepalive and not lowered.host_callbacks and vars(lowered.shape_poly_state) == vars(shapes)
    if place and alone and time.perf_counter() - begun > LONG:
        _keep(lowered.module, place, "cpu" in told["platforms"])
    return lowered


def _keep(module, place, is_run):
    code = io.BytesIO()
    module.operation.write_bytecode(file=code)
    if is_run and b"custom_call" in code.getvalue():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    part.write_bytes(compilation_cache.compress_executable(code.getvalue()))
    part.replace(place)
