"""Linear attention: a finite-state memory, with the delta rule."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from regimax.errors import unknown
from regimax.factories import once
from regimax.networks.base import Network, NetworkFactory, check_widths, made_once, reset_carry, with_heads
from regimax.networks.linear import Linear
from regimax.networks.residual import residual
from regimax.shapes import check_shapes
from regimax.types import Array

RULES = ("delta", "sum")


def write(state: Array, key: Array, value: Array, beta: Array, rule: str) -> Array:
    r"""Writes one pair into a memory.

    .. math:: S \leftarrow S + \beta\, k (v - S^\top k)^\top \quad \text{or} \quad S \leftarrow S + \beta\, k v^\top

    By the delta rule a key of unit norm then recalls what it did before moved by β towards v: a pair replaces the one
    that was there. The sum only adds, as fast weights of Hebb's rule do.

    Args:
      state: `[..., dk, dv]` S.
      key: `[..., dk]` k.
      value: `[..., dv]` v.
      beta: `[...]` β in [0, 1].
      rule: ``delta`` or ``sum``.

    Returns:
      `[..., dk, dv]`.

    Reference:
      Schlag et al., Linear transformers are secretly fast weight programmers (2021), eq. 24 (sum: eq. 17).

    Example:
      >>> key, state = jnp.array([1.0, 0.0]), jnp.zeros((2, 1))
      >>> for value in (3.0, 5.0):
      ...     state = write(state, key, jnp.array([value]), jnp.float32(1.0), "delta")
      >>> print(state.ravel())
      [5. 0.]
    """
    check_shapes("write", state=(state, "... dk dv"), key=(key, "... dk"), value=(value, "... dv"))
    if rule == "delta":
        value = value - read(state, key)
    return state + beta[..., None, None] * key[..., :, None] * value[..., None, :]


def read(state: Array, query: Array) -> Array:
    """Returns what a memory `[..., dk, dv]` holds for a query `[..., dk]`: `[..., dv]`."""
    check_shapes("read", state=(state, "... dk dv"), query=(query, "... dk"))
    return jnp.einsum("...kv,...k->...v", state, query)


class _Memory(nnx.Module):
    def __init__(
        self,
        width: int,
        heads: int,
        key_size: int,
        value_size: int,
        rule: str,
        writing: jax.nn.initializers.Initializer,
        rngs: nnx.Rngs,
    ):
        self.query = Linear(width, heads * key_size, use_bias=False, rngs=rngs)
        self.key = Linear(width, heads * key_size, use_bias=False, rngs=rngs)
        self.value = Linear(width, heads * value_size, use_bias=False, rngs=rngs)
        self.gate = Linear(width, heads, rngs=rngs)
        self.out = Linear(heads * value_size, width, use_bias=False, kernel_init=writing, rngs=rngs)
        self.heads, self.rule = heads, rule

    def __call__(self, carry: Array, x: Array, first: Array) -> tuple[Array, Array]:
        def split(y: Array) -> Array:
            """`[T, E, H, d]`."""
            return y.reshape(*y.shape[:2], self.heads, -1)

        def unit(y: Array) -> Array:
            return y * jax.lax.rsqrt(jnp.sum(jnp.square(y), -1, keepdims=True) + 1e-6)

        query, key, value = unit(split(self.query(x))), unit(split(self.key(x))), split(self.value(x))
        beta = jax.nn.sigmoid(self.gate(x))

        def step(state: Array, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
            q, k, v, b, f = inputs
            state = write(reset_carry(state, f), k, v, b, self.rule)
            return state, read(state, q)

        inputs = (query, key, value, beta, first)
        if x.shape[0] == 1:  # acting: no loop
            carry, recalled = step(carry, jax.tree.map(lambda y: y[0], inputs))
            recalled = recalled[None]
        else:
            carry, recalled = jax.lax.scan(step, carry, inputs)
        return carry, self.out(recalled.reshape(*x.shape[:2], -1))


@once
def linear_attention(
    width: int = 64,
    layers: int = 1,
    num_heads: int = 1,
    key_size: int | None = None,
    value_size: int | None = None,
    rule: str = "delta",
) -> NetworkFactory:
    r"""Makes networks whose memory is one matrix per head and layer, written and read at every step.

    .. math:: S_t = S_{t-1} + \beta_t k_t (v_t - S_{t-1}^\top k_t)^\top, \quad o_t = S_t^\top q_t

    with queries and keys of unit norm and :math:`\beta_t` = sigmoid of a learned function of the token; norms and MLPs
    are those of the transformer. Its state has a fixed size, however long the episode; there are no positions, and a
    token is bound to nothing but itself, so keys and values that arrive at different steps need a second layer or an
    observation that shows both.

    Args:
      width: of the residual stream; the features that the heads read.
      layers: blocks.
      num_heads: memories per block.
      key_size: dk, rows of a memory; width // num_heads when not given.
      value_size: dv, columns of a memory; width // num_heads when not given.
      rule: ``delta``, or ``sum`` for plain additive writes :math:`S_t = S_{t-1} + \beta_t k_t v_t^\top`.

    Returns:
      a factory `(num_inputs, heads) -> Network`. Its taps: ``embedding`` and the residual stream after every layer,
      ``layer_0`` and on.

    Raises:
      UserError: for a size below 1 or an unknown rule.

    Reference:
      Yang et al., Parallelizing linear transformers with the delta rule over sequence length (2024), eq. 3; here
      without short convolutions, and the recurrence is a scan.

    Example:
      >>> network = linear_attention(width=8, num_heads=2)(5, {"policy": 3})
      >>> carry = network.carry(4)
      >>> jax.tree.map(jnp.shape, carry)
      ((4, 2, 4, 4),)
    """
    width, layers, num_heads = check_widths("linear_attention", width=width, layers=layers, num_heads=num_heads)
    key_size = width // num_heads if key_size is None else key_size
    value_size = width // num_heads if value_size is None else value_size
    key_size, value_size = check_widths("linear_attention", key_size=key_size, value_size=value_size)
    if rule not in RULES:
        raise unknown("rule of linear_attention", rule, RULES)

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        trunk = residual(
            num_inputs,
            width,
            layers,
            make_mixer=lambda writing, rngs: _Memory(width, num_heads, key_size, value_size, rule, writing, rngs),
            mixer_carry=lambda num_envs: jnp.zeros((num_envs, num_heads, key_size, value_size)),
            spec=("linear_attention", num_heads, key_size, value_size, rule),
        )
        return with_heads(trunk, heads)

    return factory
