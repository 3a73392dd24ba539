"""A memory of pairs beside a perceptron of their keys: what is known from context and what is known from weights."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from regimax.errors import UserError, unknown
from regimax.factories import once
from regimax.networks.base import Network, NetworkFactory, Trunk, check_widths, made_once, with_heads
from regimax.networks.linear import Linear
from regimax.shapes import check_shapes
from regimax.types import Array, Params, PyTree

MEMORIES = ("sum", "softmax")
GATES = ("none", "learned", "surprise")

OPEN = 2.0
"""Where a learned gate begins, before the sigmoid: it writes nearly all."""

UNSEEN = -1e9


def _unit(x: Array) -> Array:
    return x * jax.lax.rsqrt(jnp.sum(jnp.square(x), -1, keepdims=True) + 1e-6)


def _episodes(first: Array) -> tuple[Array, Array]:
    """Which steps of an episode a step reaches, `[E, T, S]` bool, and which reach back to before, `[T, E]`."""
    episode = jnp.cumsum(first, axis=0)
    same = episode.T[:, :, None] == episode.T[:, None, :]
    order = jnp.arange(len(first))
    return same & (order[:, None] >= order[None])[None], episode == 0


class _Memory(nnx.Module):
    def __init__(
        self,
        key_size: int,
        values: int,
        width: int,
        hidden: int,
        memory: str,
        gate: str,
        window: int | None,
        rngs: nnx.Rngs,
    ):
        self.address = Linear(key_size, width, use_bias=False, rngs=rngs)
        self.value = Linear(values, width, use_bias=False, rngs=rngs)
        # The sum is read on a scale of its own; the softmax is as sharp as this, in logarithms.
        self.scale = nnx.Param(jnp.full((), 2.0))
        self.up = Linear(key_size, hidden, rngs=rngs)
        self.down = Linear(hidden, width, rngs=rngs)
        if gate == "learned":
            self.look = Linear(key_size + values, hidden, rngs=rngs)
            self.gate = Linear(hidden, 1, bias_init=nnx.initializers.constant(OPEN), rngs=rngs)
        self.key_size, self.memory, self.gating, self.window = key_size, memory, gate, window

    def known(self, x: Array) -> Array:
        """`[T, E, width]`, what the weights alone have to say to the key of each step."""
        return self.down(jax.nn.relu(self.up(x[..., : self.key_size])))

    def __call__(self, carry: PyTree, x: Array, first: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        """Takes `[T, E, D + 1]`: the observation, and how much of its pair is written for all that the trunk knows."""
        key, value, given = x[..., : self.key_size], x[..., self.key_size : -2], x[..., -1]
        address, content = _unit(self.address(key)), self.value(value)
        beta = given * jnp.any(value != 0, axis=-1)
        if self.gating == "learned":
            seen = jnp.concatenate([key, value], axis=-1)
            beta = beta * jax.nn.sigmoid(self.gate(jax.nn.relu(self.look(seen))))[..., 0]
        recall = self._softmax if self.memory == "softmax" else self._sum
        carry, read = recall(carry, address, content, beta, first)
        known = self.known(x)
        taps = {"read": read, "known": known, "write": beta[..., None] * address, "content": content}
        return carry, read + known, taps

    def _sum(self, carry: Array, k: Array, v: Array, beta: Array, first: Array) -> tuple[Array, Array]:
        reaches, before = _episodes(first)
        scores = jnp.einsum("ted,sed->ets", k, k) * reaches * beta.T[:, None]
        read = jnp.einsum("ets,sed->ted", scores, v) + before[..., None] * jnp.einsum("ekv,tek->tev", carry, k)
        last = reaches[:, -1] * beta.T
        carry = carry * before[-1][:, None, None] + jnp.einsum("es,sek,sev->ekv", last, k, v)
        return carry, self.scale[...] * read

    def _softmax(self, carry: PyTree, k: Array, v: Array, beta: Array, first: Array) -> tuple[PyTree, Array]:
        held_keys, held_values, held_beta = carry
        reaches, before = _episodes(first)
        size = held_beta.shape[1]
        keys = jnp.concatenate([held_keys, jnp.swapaxes(k, 0, 1)], axis=1)
        values = jnp.concatenate([held_values, jnp.swapaxes(v, 0, 1)], axis=1)
        written = jnp.concatenate([held_beta, beta.T], axis=1)
        old = jnp.broadcast_to(before.T[:, :, None], (*before.T.shape, size))
        seen = jnp.concatenate([old, reaches], axis=-1) & (written[:, None] > 0)
        if self.window is not None:
            number = jnp.cumsum(written > 0, axis=1)
            seen &= number[:, size:, None] - number[:, None] < self.window
        scores = jnp.exp(self.scale[...]) * jnp.einsum("ted,esd->ets", k, keys)
        scores = jnp.where(seen, scores + jnp.log(jnp.where(written > 0, written, 1.0))[:, None], UNSEEN)
        weights = jax.nn.softmax(scores) * seen  # nothing is read where nothing is held
        left = jnp.where(seen[:, -1], written, 0.0)
        last = jnp.argsort(left > 0, axis=1, stable=True)[:, -size:]  # steps that hold no pair take no place
        carry = jax.tree.map(lambda x: jnp.take_along_axis(x, last[..., None], 1), (keys, values))
        carry = (*carry, jnp.take_along_axis(left, last, 1))
        return carry, jnp.einsum("ets,esd->ted", weights, values)


@once
def pair_memory(
    width: int = 16,
    hidden: int = 128,
    memory: str = "sum",
    gate: str = "none",
    key_size: int = 64,
    context: int = 160,
    window: int | None = None,
) -> NetworkFactory:
    r"""Makes networks in which a memory of pairs and a perceptron of the key share one stream of `width` numbers.

    .. math:: h_t = s \sum_{i \le t} \beta_i\, v_i\, (k_i \cdot k_t) + \mathrm{MLP}(x_t), \quad
        k_i = A x_i / \|A x_i\|, \quad v_i = B y_i

    over the pairs of a key :math:`x_i` and a value :math:`y_i` that an episode has shown so far. A memory of the kind
    ``softmax`` reads the mean of :math:`v_i` with weights proportional to :math:`\beta_i \exp(e^s k_i \cdot k_t)`
    instead. An observation is a key, a value (zeros where none is shown) and one more number, as in the world Recall.

    Args:
      width: d, of addresses, contents and the stream; a sum is d² numbers of state.
      hidden: units of the MLP, and of a learned gate.
      memory: ``sum``: linear attention of fixed size; ``softmax``: all pairs are kept apart.
      gate: :math:`\beta`, how much of a pair is written: ``none``, all; ``learned``, the sigmoid of a small network of
        key and value; ``surprise``, 1 less the probability that head ``policy`` gives to the value from the weights
        alone, through which no gradient flows.
      key_size: numbers of a key.
      context: pairs that a softmax memory carries on from one call to the next; within one call it holds all.
      window: the last pairs that a softmax memory holds, within a call as from one to the next; as `context` says when
        not given.

    Returns:
      a factory `(num_inputs, heads) -> Network`. Its taps: ``read`` and ``known``, the two terms of the stream;
      ``write``, :math:`\beta_t k_t`, and ``content``, :math:`v_t`, whose products over an episode add up to the state.

    Raises:
      UserError: for a size below 1, another memory or gate; once the inputs are known, where keys leave no value, or a
        gate of surprise has no head ``policy`` with one answer per value.

    Reference:
      Schlag et al., Linear transformers are secretly fast weight programmers (2021), eq. 17, for the sum; addresses
      are of unit norm, and a query is addressed as a key is.

    Example:
      >>> network = pair_memory(width=4, key_size=3)(3 + 2 + 1, {"policy": 2})
      >>> network.carry(5).shape
      (5, 4, 4)
    """
    width, hidden, key_size, context = check_widths(
        "pair_memory", width=width, hidden=hidden, key_size=key_size, context=context
    )
    if window is not None:
        (context,) = check_widths("pair_memory", window=window)
        window = context
        if memory != "softmax":
            raise UserError(f"pair_memory: window = {window} is of a softmax memory; a {memory} holds what it holds")
    if memory not in MEMORIES:
        raise unknown("memory of pair_memory", memory, MEMORIES)
    if gate not in GATES:
        raise unknown("gate of pair_memory", gate, GATES)

    def empty(num_envs: int) -> PyTree:
        if memory == "sum":
            return jnp.zeros((num_envs, width, width))
        pairs = jnp.zeros((num_envs, context, width))
        return pairs, pairs, jnp.zeros((num_envs, context))

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        values = num_inputs - key_size - 1
        if values < 1:
            raise UserError(f"pair_memory: key_size = {key_size} leaves no value in {num_inputs} inputs")
        if gate == "surprise" and heads and heads.get("policy") != values:
            raise UserError(f"pair_memory: a gate of surprise needs a head 'policy' of {values}, found {dict(heads)}")

        def make(rngs: nnx.Rngs) -> _Memory:
            return _Memory(key_size, values, width, hidden, memory, gate, window, rngs)

        spec = ("pair_memory", num_inputs, width, hidden, memory, gate, key_size, context, window)
        trunk = Trunk(make, empty, lambda module, carry, x, first: module(carry, x, first), num_inputs + 1, width, spec)
        network = with_heads(trunk, heads, head_scale={"policy": 1.0})
        graph, _ = nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))))

        def surprise(params: Params, x: Array) -> Array:
            """`[T, E]`."""
            known = nnx.merge(graph, params["trunk"]).known(x)
            logits = known @ params["policy"]["kernel"] + params["policy"]["bias"][None, None]
            likely = jnp.sum(jax.nn.softmax(logits) * x[..., key_size:-1], axis=-1)
            return 1.0 - jax.lax.stop_gradient(likely)

        def apply(params: Params, carry: PyTree, x: Array, first: Array, code=None) -> tuple[PyTree, dict, dict]:
            check_shapes("pair_memory: apply", x=(x, f"T E {num_inputs}"))
            write = surprise(params, x) if gate == "surprise" and heads else jnp.ones(x.shape[:2])
            return network.apply(params, carry, jnp.concatenate([x, write[..., None]], axis=-1), first, code)

        return network._replace(apply=apply)

    return factory
