"""Low-rank adapters: a trunk that stays, and small matrices that are trained on top of it."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.factories import once
from regimax.networks.base import Code, Network, NetworkFactory, check_widths, made_once
from regimax.types import Array, Params, PyTree

Kernels = dict[str, dict[str, Array]]
"""By path of a kernel `[n_in, n_out]`: ``a`` `[n_in, r]` and ``b`` `[r, n_out]`."""


def _is_kernel(path: tuple, leaf: Array) -> bool:
    return getattr(path[-1], "key", None) == "kernel" and leaf.ndim == 2


def adapters(key: Array, trunk: PyTree, rank: int) -> Kernels:
    """Makes a pair of matrices for every 2-D leaf named ``kernel``: ``a`` ~ N(0, 1/n_in), ``b`` zero."""
    found: Kernels = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(trunk):
        if _is_kernel(path, leaf):
            name, (n_in, n_out) = jax.tree_util.keystr(path, simple=True, separator="."), leaf.shape
            a = jax.random.normal(prng.named(key, name), (n_in, rank)) / jnp.sqrt(n_in)
            found[name] = {"a": a, "b": jnp.zeros((rank, n_out))}
    return found


def adapted(trunk: PyTree, kernels: Kernels) -> PyTree:
    """Returns the trunk with W + A·B in the place of every kernel W."""

    def one(path: tuple, leaf: Array) -> Array:
        if not _is_kernel(path, leaf):
            return leaf
        pair = kernels[jax.tree_util.keystr(path, simple=True, separator=".")]
        return leaf + pair["a"] @ pair["b"]

    return jax.tree_util.tree_map_with_path(one, trunk)


@once
def low_rank(network: NetworkFactory, rank: int = 1) -> NetworkFactory:
    r"""Gives a network a part ``adapter``, which adds a matrix of rank r to every kernel of its trunk.

    .. math:: W' = W + A B, \quad A \in R^{n_{in} \times r}, \quad B \in R^{r \times n_{out}}

    B is zero at the start, so the first outputs are those of the network without it, with an inherited trunk too. Where
    the trunk is frozen (``freeze=("trunk",)``), r·(n_in + n_out) numbers per kernel are trained, and the heads, with
    the critic's trunk where it has one of its own.

    Args:
      network: what to adapt; its trunk keeps its shape, so it can be inherited from a phase without adapters.
      rank: r.

    Returns:
      a factory `(num_inputs, heads) -> Network`.

    Raises:
      UserError: for a rank below 1.

    Reference:
      Hu et al., LoRA: low-rank adaptation of large language models (2021), eq. 3, with α = r.

    Example:
      >>> from regimax.networks._mlp import mlp
      >>> network = low_rank(mlp((4,)), rank=1)(3, {"policy": 2})
      >>> jax.tree.map(jnp.shape, network.init(jax.random.key(0))["adapter"])
      {'layers.0.kernel': {'a': (3, 1), 'b': (1, 4)}}
    """
    (rank,) = check_widths("low_rank", rank=rank)

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        inner = network(num_inputs, heads)

        def init(key: Array) -> Params:
            params = inner.init(key)
            return params | {"adapter": adapters(prng.named(key, "adapter"), params["trunk"], rank)}

        def apply(
            params: Params, carry: PyTree, x: Array, first: Array, code: Code | None
        ) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
            return inner.apply(params | {"trunk": adapted(params["trunk"], params["adapter"])}, carry, x, first, code)

        return inner._replace(init=init, apply=apply, spec=("low_rank", rank, inner.spec))

    return factory
