"""Handwritten digits: the 1,797 images of 8 × 8 that scikit-learn ships, and how an image is moved.

Install it with ``pip install 'regimax[digits]'``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from regimax.errors import UserError
from regimax.types import Array

SIDE = 8
PIXELS = SIDE * SIDE
DIGITS = 10
MEAN, SPREAD = 0.305, 0.376
"""Of the pixels of all images, from 0 for paper to 1 for ink."""
SHIFT, TURN, SCALE = 1, 0.35, 0.15
"""How far an image is moved at strength 1: pixels in each direction, radians, share of its size."""
POINTS = 8
"""Angles and scales, each, over which a mean is taken."""


class Collection(NamedTuple):
    """All images.

    Attributes:
      images: `[1797, 64]` uint8, 0 for paper to 16 for ink.
      members: `[10, 183]` int32, the images of each digit, padded with any.
      numbers: `[10]` int32, how many each has.
    """

    images: np.ndarray
    members: np.ndarray
    numbers: np.ndarray


@functools.cache
def collection() -> Collection:
    """Reads the images, once.

    Raises:
      UserError: if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError(
            f"Digits: scikit-learn cannot be imported ({error}). Install it with: pip install 'regimax[digits]'"
        ) from error
    pixels, target = load_digits(return_X_y=True)
    labels = np.asarray(target)
    numbers = np.bincount(labels, minlength=DIGITS).astype(np.int32)
    members = [np.resize(np.flatnonzero(labels == digit), numbers.max()) for digit in range(DIGITS)]
    return Collection(np.asarray(pixels).astype(np.uint8), np.stack(members).astype(np.int32), numbers)


def moved(u: Array, image: Array, strength: Array) -> Array:
    """Returns an image, shifted, turned and scaled at random; exactly itself at strength 0.

    Args:
      u: `[4]` uniform on [0, 1): for the shift down and to the right, the angle and the scale.
      image: `[64]`, 0 where there is paper, which is also all around it.
      strength: `[]` how far.

    Returns:
      `[64]`, interpolated linearly between pixels.
    """
    total = jnp.zeros((PIXELS,))
    for inside, weight, place in _corners(jnp, u, strength):
        total += jnp.where(inside, weight * image[place.astype(jnp.int32)], 0.0)
    return total


def _corners(xp: Any, u: Any, strength: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yields four pixels of an image for each of the moved one: whether there is such a pixel, its weight, its place.

    Args:
      xp: jax.numpy or numpy, whose arrays all others are.
      u: `[4]`, as in `moved`, or `[4, ..., 1]` for several at once.
      strength: `[]` how far.
    """
    rows, columns = np.divmod(np.arange(PIXELS, dtype=np.float32), SIDE)
    middle = (SIDE - 1) / 2
    down, right = strength * SHIFT * (xp.floor(3 * u[0]) - 1), strength * SHIFT * (xp.floor(3 * u[1]) - 1)
    angle, scale = strength * TURN * (2 * u[2] - 1), 1 + strength * SCALE * (2 * u[3] - 1)
    cos, sin = scale * xp.cos(angle), scale * xp.sin(angle)
    y = cos * (rows - middle) - sin * (columns - middle) + middle + down
    x = sin * (rows - middle) + cos * (columns - middle) + middle + right
    for row in (xp.floor(y), xp.floor(y) + 1):
        for column in (xp.floor(x), xp.floor(x) + 1):
            weight = (1 - xp.abs(y - row)) * (1 - xp.abs(x - column))
            inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
            yield inside, weight, xp.clip(SIDE * row + column, 0, PIXELS - 1)


@functools.cache
def variances(strength: float) -> tuple[np.ndarray, ...]:
    """Returns how the ink of moved images varies, sums over pixels, expected of how they are moved.

    An image is moved by a matrix, so that all are polynomials of the images' moments. Angles and scales are those of a
    grid.

    Args:
      strength: how far images are moved.

    Returns:
      the second moment of moved images of each digit `[10]`; that of images averaged over how they are moved `[10]`;
      and the mean of each digit's `[10, 64]`.
    """
    grid = (np.arange(POINTS) + 0.5) / POINTS
    thirds = (np.arange(3) + 0.5) / 3
    u = np.stack(np.meshgrid(thirds, thirds, grid, grid, indexing="ij")).reshape(4, -1, 1)
    number = u.shape[1]
    matrices = np.zeros((number, PIXELS, PIXELS))
    each = (np.arange(number)[:, None], np.arange(PIXELS)[None])
    for inside, weight, place in _corners(np, u, strength):
        np.add.at(matrices, (*each, place.astype(int)), np.where(inside, weight, 0.0))
    mean = matrices.mean(0)
    square = np.tensordot(matrices, matrices, axes=([0, 1], [0, 1])) / number
    images, members, numbers = collection()
    of_each = [images[members[d, : numbers[d]]] / 16.0 for d in range(DIGITS)]
    moving, still = (
        np.array([np.einsum("ni,ij,nj->", x, m, x, optimize=True) / len(x) for x in of_each])
        for m in (square, mean.T @ mean)
    )
    return moving, still, np.stack([mean @ x.mean(0) for x in of_each])
