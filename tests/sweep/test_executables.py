"""Functions that are traced once, lowered once and compiled for every device."""

import threading
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.sweep.executables import Executables, Function, Workers, compiled

SHAPE = jax.ShapeDtypeStruct((3,), jnp.float32)


def made(call, devices=None, **more):
    functions = {"double": Function(call, lambda: ({"x": SHAPE},), donate=(0,))}
    return Executables("toy", functions, devices or jax.local_devices(), {}, **more)


def test_one_trace_serves_all_devices():
    executables = made(lambda tree: {"y": 2.0 * tree["x"]})
    executables.prepare("double", (0, 1))
    for i, device in enumerate(jax.local_devices()[:2]):
        x = jax.device_put(np.arange(3, dtype=np.float32), device)
        y = executables("double", i, {"x": x})["y"]
        assert y.devices() == {device}
        assert y.tolist() == [0.0, 2.0, 4.0]
        assert x.is_deleted()
    assert executables.traces == {"double": 1}
    assert not executables.awaited()


def test_what_goes_wrong_is_raised_where_it_is_waited_for():
    def broken(tree):
        raise ZeroDivisionError("in the middle of a trace")

    executables = made(broken)
    executables.prepare("double")
    with pytest.raises(ZeroDivisionError, match="in the middle"):
        executables.get("double")


def test_waiting_is_told_and_compiling_shown():
    entered, go_on, workers, waited = threading.Event(), threading.Event(), Workers(1), []

    def slow(tree):
        entered.set()
        assert go_on.wait(60)
        return tree["x"]

    @contextmanager
    def waiting():
        waited.append("begun")
        go_on.set()
        yield

    executables = made(slow, compiling=waiting, workers=workers)
    executables.prepare("double")
    assert entered.wait(60)
    [one] = workers.under_way()
    assert one.name == "toy double"
    assert executables.awaited() == {0}
    executables.get("double")
    executables.get("double")
    assert waited == ["begun"]
    workers.close()


def test_another_caller_is_served_by_what_was_compiled():
    first, waited = Workers(1), []

    @contextmanager
    def waiting():
        waited.append(1)
        yield

    executables = made(lambda tree: tree["x"], workers=first)
    executables.get("double")
    first.close()
    executables.serve(waiting, Workers(1))
    executables.get("double")
    assert waited == []
    executables.get("double", 1)  # not yet there
    assert waited == [1]


class Refusing:
    """A lowered function of which XLA refuses the first compilation."""

    def __init__(self, message):
        self.message, self.asked = message, []

    def compile(self, compiler_options, **more):
        self.asked.append((compiler_options, more))
        if len(self.asked) == 1:
            raise jax.errors.JaxRuntimeError(self.message)
        return "compiled"


def test_products_that_xla_finds_no_tiles_for_are_left_to_cublas():
    lowered = Refusing("INTERNAL: Couldn't find output tile sizes that satisfy hlo: %dot.238 = f32[180224,32]{1,0}")
    assert compiled(lowered, {"xla_gpu_autotune_level": 0}, device_assignment=("one",)) == "compiled"
    first, second = lowered.asked
    assert first == ({"xla_gpu_autotune_level": 0}, {"device_assignment": ("one",)})
    assert second == ({"xla_gpu_autotune_level": 0, "xla_gpu_enable_triton_gemm": False}, first[1])
    jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options=second[0])  # this version of XLA knows them


def test_another_refusal_is_raised():
    lowered = Refusing("RESOURCE_EXHAUSTED: Out of memory")
    with pytest.raises(jax.errors.JaxRuntimeError, match="Out of memory"):
        compiled(lowered, {})
    assert lowered.asked == [(None, {})]
