"""Trees of arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array, PyTree


def select(condition: Array | bool, chosen: PyTree, other: PyTree) -> PyTree:
    """Returns the tree `chosen` where the scalar `condition` holds, else `other`.

    Args:
      condition: `[]` bool.
      chosen: a tree of arrays or numbers.
      other: a tree of the same structure.

    Example:
      >>> select(jnp.asarray(False), {"w": 1.0}, {"w": 2.0})["w"].item()
      2.0
    """
    check_shapes("select", condition=(condition, ""))
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)
