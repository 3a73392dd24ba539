"""What every network promises, and how trunks and heads become one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from flax import nnx

from regimax import prng
from regimax.networks.initializers import orthogonal
from regimax.networks.linear import Linear
from regimax.shapes import check_shapes, check_streams
from regimax.types import Array, Params, PyTree, Spec, count

Code = Callable[[Array], Array]
"""What features `[T, E, width]` go through between a trunk and its heads."""

STATISTICS = "observation_statistics"
"""The part that no gradient trains: what is known of the observations that a network's trunk has seen."""


class Network(NamedTuple):
    """A trunk with named heads, as pure functions over time-major sequences.

    Attributes:
      init: `key -> params`, one subtree per part: ``trunk``, every head, and ``critic`` where the head ``value`` has a
        trunk of its own. A part's numbers depend on the key and on its name and sizes only, so a part that two networks
        share begins the same in both.
      carry: `num_envs -> carry`, the empty memory, leaves `[E, ...]`.
      apply: `(params, carry, x, first, code) -> (carry, outputs, taps)` with x `[T, E, D]`, first `[T, E]` (1
        where the memory is emptied before the step), `code` what features go through on their way to the heads, None
        for nothing: a source says it (`Source.code`); outputs one `[T, E, size]` per head, and taps what probes read,
        `[T, E, size]` each, ``features`` (what the heads read) among them. Acting is the same with `T` = 1.
      width: size of the features.
      spec: what it is.
      observe: `(params, x [T, E, D], weight [T, E]) -> params`, takes observations, those of weight 1, into the part
        ``observation_statistics``; None where there is none, see :func:`regimax.networks.normalize_observations`.

    Example:
      >>> from regimax.networks import gru
      >>> network = gru(8)(5, {"policy": 3})  # of 5 inputs
      >>> x, first = jnp.ones((2, 4, 5)), jnp.zeros((2, 4))
      >>> memory, outputs, taps = network.apply(network.init(jax.random.key(0)), network.carry(4), x, first, None)
      >>> memory.shape, outputs["policy"].shape, taps["features"].shape
      ((4, 8), (2, 4, 3), (2, 4, 8))
    """

    init: Callable[[Array], Params]
    carry: Callable[[int], PyTree]
    apply: Callable[..., tuple[PyTree, dict[str, Array], dict[str, Array]]]
    width: int
    spec: Spec
    observe: Callable[[Params, Array, Array], Params] | None = None


class NetworkFactory(Protocol):
    """Makes a network for an input of `num_inputs` numbers and heads of these sizes, by name."""

    def __call__(self, num_inputs: int, heads: Mapping[str, int]) -> Network: ...


class Trunk(NamedTuple):
    """A network without heads: `make(rngs)` builds the flax module, `apply` runs it over a sequence.

    Attributes:
      make: `rngs -> nnx.Module`.
      carry: as in :class:`Network`.
      apply: `(module, carry, x, first) -> (carry, features [T, E, width], taps)`.
      num_inputs: `D`.
      width: size of the features.
      spec: what it is.
    """

    make: Callable[[nnx.Rngs], nnx.Module]
    carry: Callable[[int], PyTree]
    apply: Callable[[Any, PyTree, Array, Array], tuple[PyTree, Array, dict[str, Array]]]
    num_inputs: int
    width: int
    spec: Spec


def made_once(factory: NetworkFactory) -> NetworkFactory:
    """Returns a factory that makes a network of given sizes once: all phases that ask for it share what JAX traced."""
    known: dict[tuple[Any, ...], Network] = {}

    def remembered(num_inputs: int, heads: Mapping[str, int]) -> Network:
        sizes = num_inputs, tuple(heads.items())
        if sizes not in known:
            known[sizes] = factory(num_inputs, heads)
        return known[sizes]

    return remembered


def with_heads(
    trunk: Trunk,
    heads: Mapping[str, int],
    head_scale: Mapping[str, float] | None = None,
    critic: Trunk | None = None,
) -> Network:
    """Puts one linear head per output on a trunk.

    Args:
      trunk: the shared part.
      heads: size of each head by name.
      head_scale: gain of the orthogonal initialisation, 1 where not given; 0.01 makes a policy nearly uniform.
      critic: a trunk without memory that the head ``value`` reads instead, the part ``critic``.

    Returns:
      the network.
    """
    scales = {"policy": 0.01, "action_values": 0.01, **(head_scale or {})}
    trunks = {"trunk": trunk} | ({"critic": critic} if critic and "value" in heads else {})
    reads = {name: "critic" if name == "value" and "critic" in trunks else "trunk" for name in heads}

    def make_head(name: str) -> Callable[[nnx.Rngs], nnx.Module]:
        initializer, width = orthogonal(scales.get(name, 1.0)), trunks[reads[name]].width
        return lambda rngs: Linear(width, heads[name], kernel_init=initializer, rngs=rngs)

    makers = {name: part.make for name, part in trunks.items()} | {name: make_head(name) for name in heads}

    @functools.partial(jax.jit, inline=True)  # traced once, for the graphs and by whoever draws parameters
    def made(key: Array) -> dict[str, tuple[Any, nnx.State]]:
        return {name: nnx.split(make(nnx.Rngs(prng.named(key, name)))) for name, make in makers.items()}

    graphs = {name: graph for name, (graph, _) in jax.eval_shape(made, prng.abstract_keys().learner).items()}

    def init(key: Array) -> Params:
        return {name: nnx.to_pure_dict(state) for name, (_, state) in made(key).items()}

    def apply(
        params: Params, carry: PyTree, x: Array, first: Array, code: Code | None
    ) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
        name = f"{trunk.spec[0]}: apply"
        check_shapes(name, x=(x, f"T E {trunk.num_inputs}"), first=(first, "T E"))
        check_streams(name, "carry", carry, x.shape[1])
        carry, features, taps = trunk.apply(nnx.merge(graphs["trunk"], params["trunk"]), carry, x, first)
        seen = {"trunk": features}
        if "critic" in trunks:
            _, seen["critic"], _ = trunks["critic"].apply(nnx.merge(graphs["critic"], params["critic"]), (), x, first)
        if code is not None:
            seen = {name: code(features) for name, features in seen.items()}
        outputs = {name: nnx.merge(graphs[name], params[name])(seen[reads[name]]) for name in heads}
        return carry, outputs, taps | {"features": seen["trunk"]}

    spec = (*(part.spec for part in trunks.values()), tuple(sorted(heads.items())), tuple(sorted(scales.items())))
    return Network(jax.jit(init, inline=True), trunk.carry, apply, trunk.width, spec)


def check_widths(name: str, **widths: Any) -> list[int]:
    """Returns widths as ints, in order.

    Raises:
      UserError: for one that is no positive whole number.
    """
    return [count(width, f"{name}: {what}") for what, width in widths.items()]


def reset_carry(carry: PyTree, first: Array) -> PyTree:
    """Empties the memory of those streams where an episode opens.

    Args:
      carry: leaves `[E, ...]`.
      first: `[E]` in {0, 1}.
    """
    check_shapes("reset_carry", first=(first, "E"))
    check_streams("reset_carry", "carry", carry, first.shape[0])
    return jax.tree.map(lambda c: c * (1.0 - jnp.expand_dims(first, tuple(range(1, c.ndim)))), carry)
