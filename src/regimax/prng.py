"""Named key streams, and the keys of a cell.

Keys are Threefry, typed, and made by `fold_in` of stable names and numbers only: never from a lane's number or a
batch's size, so a cell draws the same numbers wherever it runs.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax.types import Array, number

IMPLEMENTATION = "threefry2x32"


class Keys(NamedTuple):
    """The two keys of a cell.

    Attributes:
      world: draws the hidden structure of the world; folds in the world seed alone.
      learner: everything else; folds in both seeds.
    """

    world: Array
    learner: Array


def named(key: Array, *names: str | int | Array) -> Array:
    """Returns the key of a stream: `key` with every name folded in, in order.

    Args:
      key: a typed key.
      *names: strings (neighbours are folded in as one, by the CRC-32 of their path) or integers, traced or not.
    """
    label = ""
    for name in names:
        if isinstance(name, str):
            label += "/" + name
        else:
            key, label = jax.random.fold_in(_fold_label(key, label), name), ""
    return _fold_label(key, label)


def _fold_label(key: Array, label: str) -> Array:
    return jax.random.fold_in(key, zlib.crc32(label.encode())) if label else key


def permutations(key: Array, num: int, size: int) -> Array:
    """Draws random orders of 0 … size − 1.

    Each is one sort of whole numbers whose high bits are random and whose low bits are the place: several times faster
    on a CPU than `jax.random.permutation`, a sort of pairs. Two places whose random bits, 16 or more, agree keep their
    order.

    Args:
      key: a typed key.
      num: how many.
      size: of each; above 2¹⁶ they are drawn by `jax.random.permutation`.

    Returns:
      orders, `[num, size]` int32.

    Example:
      >>> print(sorted(permutations(jax.random.key(0), 1, 5)[0].tolist()))
      [0, 1, 2, 3, 4]
    """
    if size > 2**16:
        return jax.vmap(lambda k: jax.random.permutation(k, size))(jax.random.split(key, num)).astype(jnp.int32)
    low = jnp.uint32(2 ** (size - 1).bit_length() - 1)
    drawn = jax.random.bits(key, (num, size), jnp.uint32)
    return (jnp.sort((drawn & ~low) | jnp.arange(size, dtype=jnp.uint32)[None]) & low).astype(jnp.int32)


def cell_keys(seeds: int | Sequence[int] | Array, world_seeds: Sequence[int] | Array | None = None) -> Keys:
    """Returns the very keys that a sweep uses for these seeds.

    Args:
      seeds: `[N]` learner seeds, or their number (then 0, 1, …, N − 1).
      world_seeds: `[N]` world seeds; the learner seeds when not given.

    Returns:
      keys with a leading axis of `N`.

    Raises:
      ValueError: if the two sequences differ in length.

    Example:
      >>> keys = cell_keys(seeds=4)
      >>> keys.world.shape
      (4,)
    """
    learner = np.arange(number(seeds)) if isinstance(number(seeds), int) else jnp.asarray(seeds, jnp.uint32)
    world = learner if world_seeds is None else jnp.asarray(world_seeds, jnp.uint32)
    if learner.shape != world.shape:
        raise ValueError(f"{learner.shape[0]} seeds but {world.shape[0]} world seeds")

    return _keys(jnp.asarray(world, jnp.uint32), jnp.asarray(learner, jnp.uint32))


@functools.cache
def abstract_keys() -> Keys:
    """Returns the shapes of the keys of a cell."""
    key = jax.eval_shape(lambda: jax.random.key(0, impl=IMPLEMENTATION))
    return Keys(key, key)


@functools.partial(jax.jit, inline=True)
@jax.vmap
def _keys(world_seed: Array, seed: Array) -> Keys:
    root = jax.random.key(0, impl=IMPLEMENTATION)
    return Keys(named(root, "world", world_seed), named(root, "learner", world_seed, seed))
