"""What tests of worlds share. Statistical tests have fixed keys; each would fail by chance with probability `ALPHA`."""

import functools

import jax
import jax.numpy as jnp

ALPHA = 1e-4

compiled = functools.cache(jax.jit)
"""`jax.jit` that knows a method of a world again, where JAX itself compiles anew each time that one is named."""


def traced(world, **changes):
    """The settings of a world, traced, with some of them changed."""
    values = world.defaults() | {f"world.{k}": v for k, v in changes.items()}
    return {s.name: jnp.asarray(values[s.name], jnp.int32 if s.integer else jnp.float32) for s in world.settings}


def keys(n, seed=0):
    return jax.random.split(jax.random.key(seed), n)
