"""Shapes at the door: what a function is given is looked at while it is traced, which costs nothing when it runs.

Arrays of a wrong shape, where Python code calls Python code, are chex's `AssertionError`, with the traceback that leads
to the call; `chex.disable_asserts` turns the checks off. What a file or a setting says wrongly is a `UserError`.
"""

from __future__ import annotations

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from regimax.types import Array, PyTree


def check_shapes(function: str, /, **arrays: tuple[Any, str]) -> None:
    """Refuses arrays that do not have the axes that a function takes.

    Args:
      function: its name, for the message.
      **arrays: by name an array, or a number, and its axes: ``""`` for a scalar, ``"T"``, ``"T E D"``. A letter is of
        the same size wherever it stands, a number is a size, and ``...`` in front is any axes. An array that is None is
        not looked at.

    Raises:
      AssertionError: chex's, for an array of another shape. It names the function, the array and what was found.

    Example:
      >>> check_shapes("f", r_t=(jnp.ones(3), "T"), v_last=(0.5, ""))
      >>> check_shapes("f", r_t=(jnp.ones(3), "T"), v_t=(jnp.ones(4), "T"))
      Traceback (most recent call last):
        ...
      AssertionError: [Chex] Assertion assert_shape failed: Error in shape compatibility check: input 0 has shape (4,) \
but expected (3). [f: v_t is [4], it takes [T] = [3]]
    """
    sizes: dict[str, int] = {}
    for name, (array, axes) in arrays.items():
        if array is None:
            continue
        shape, letters = np.shape(array), axes.split()
        open_ended = letters[:1] == ["..."]
        letters = letters[open_ended:]
        wanted = [int(letter) if letter.isdecimal() else sizes.get(letter) for letter in letters]
        chex.assert_shape(
            array if hasattr(array, "shape") else np.broadcast_to(False, shape),
            (*((...,) if open_ended else ()), *wanted),
            custom_message=_message(function, name, shape, axes, wanted),
        )
        for letter, size in zip(letters, shape[len(shape) - len(letters) :], strict=False):
            sizes.setdefault(letter, size)


def _message(function: str, name: str, shape: tuple[int, ...], axes: str, wanted: list[int | None]) -> str:
    named = f"[{', '.join(axes.split())}]"
    if len(shape) > len(wanted) and "..." not in axes:
        if axes == "T":
            found = f"{name} is {list(shape)}"
            return f"{function} takes one stream [T]; use jax.vmap for [T, E], with in_axes=1 and out_axes=1: {found}"
        return f"{function} takes one {name} {named}; use jax.vmap for more axes: it is {list(shape)}"
    known = [letter if size is None else str(size) for size, letter in zip(wanted, axes.split(), strict=False)]
    equal = "" if "..." in axes or known == axes.split() else f" = [{', '.join(known)}]"
    return f"{function}: {name} is {list(shape)}, it takes {named}{equal}"


def check_same(function: str, /, **arrays: Any) -> None:
    """Refuses arrays, or numbers, of different shapes.

    Args:
      function: its name, for the message.
      **arrays: by name.

    Raises:
      AssertionError: chex's, where two of them differ.

    Example:
      >>> check_same("weighted_mean", x=jnp.ones(3), weight=jnp.zeros(3))
    """
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    found = ", ".join(f"{name} is {list(shape)}" for name, shape in shapes.items())
    chex.assert_equal_shape(
        [np.broadcast_to(False, shape) for shape in shapes.values()],
        custom_message=f"{function} takes one shape: {found}",
    )


def check_streams(function: str, name: str, tree: PyTree, num_envs: int) -> None:
    """Refuses a tree whose leaves are not `[E, ...]`, such as a network's memory of another number of streams.

    Args:
      function: who takes it, for the message.
      name: what it is there.
      tree: of arrays.
      num_envs: `E`.

    Raises:
      AssertionError: chex's, for a leaf of another shape.
    """
    chex.assert_tree_shape_prefix(
        tree, (num_envs,), custom_message=f"{function}: {name} is of leaves [E, ...], E = {num_envs}"
    )


def float32(x: Any) -> Array:
    """Returns a number, a bool or an array of either as float32, and float32 as it is.

    Example:
      >>> float32(True).dtype, float32(0.5).dtype
      (dtype('float32'), dtype('float32'))
    """
    return x if isinstance(x, jax.Array) and x.dtype == jnp.float32 else jnp.asarray(x, jnp.float32)
