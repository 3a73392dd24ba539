"""A trace is a function without its code."""

import jax
import jax.numpy as jnp
import pytest

from regimax.traced import traced

X = jax.ShapeDtypeStruct((3,), jnp.float32)


def test_it_gives_what_the_function_gives_also_vmapped_and_jitted():
    def function(x, by):
        return {"sum": jnp.cumsum(x) * by["a"], "flag": x > 1}

    found = traced(function, X, {"a": jax.ShapeDtypeStruct((), jnp.float32)})
    args = (jnp.arange(6.0).reshape(2, 3), {"a": jnp.array([1.0, 2.0])})
    expected = jax.vmap(function)(*args)
    for call in (jax.vmap(found), jax.jit(jax.vmap(found))):
        assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), call(*args), expected))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), found.out) == {
        "sum": ((3,), jnp.float32), "flag": ((3,), jnp.bool_)
    }  # fmt: skip


def test_a_function_is_traced_once_however_often_it_is_asked_for():
    times = []

    def function(x):
        times.append(1)
        return x + 1

    assert traced(function, X).jaxpr is traced(function, X).jaxpr
    jitted = jax.jit(function)
    traced(jitted, X)
    before = len(times)
    traced(lambda x: jitted(x) * 2, X)
    assert len(times) == before


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="traced for arguments"):
        traced(lambda x: x, X)({"x": jnp.zeros(3)})
