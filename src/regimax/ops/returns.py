"""Returns and advantages over one stream of experience."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array


def generalized_advantages(
    r_t: Array, discount_t: Array, trace_t: Array, v_tm1: Array, v_t: Array, lambda_: Array | float
) -> Array:
    r"""Estimates advantages by generalised advantage estimation.

    .. math:: A_{t-1} = \delta_t + \gamma_t \lambda c_t A_t, \quad \delta_t = r_t + \gamma_t v_t - v_{t-1}

    where :math:`c_t` cuts the trace at every episode border and :math:`\gamma_t` is zero only at a termination, so a
    truncated episode is bootstrapped from its final observation.

    Args:
      r_t: `[T]` rewards, reward units.
      discount_t: `[T]` continuation times discount; 0 where the episode terminated.
      trace_t: `[T]` in {0, 1}; 0 where an episode ended for any reason.
      v_tm1: `[T]` values of the observations before each action.
      v_t: `[T]` values of the observations after each action, before any reset.
      lambda_: mixing of n-step estimates, in [0, 1].

    Returns:
      `[T]` advantages :math:`A_{t-1}`, reward units.

    Raises:
      AssertionError: chex's, for anything but one stream: use `jax.vmap` with ``in_axes=1`` for `[T, E]`.

    Reference:
      Schulman et al., High-dimensional continuous control using generalized advantage estimation (2016), eq. 11-16;
      the episode borders are ours.

    Example:
      >>> import jax.numpy as jnp
      >>> one, zero = jnp.ones(2), jnp.zeros(2)
      >>> print(generalized_advantages(one, 0.5 * one, one, zero, zero, 1.0))
      [1.5 1. ]
    """
    check_shapes(
        "generalized_advantages",
        r_t=(r_t, "T"),
        discount_t=(discount_t, "T"),
        trace_t=(trace_t, "T"),
        v_tm1=(v_tm1, "T"),
        v_t=(v_t, "T"),
        lambda_=(lambda_, ""),
    )
    delta_t = r_t + discount_t * v_t - v_tm1
    decay_t = discount_t * trace_t * lambda_

    def step(advantage: Array, x: tuple[Array, Array]) -> tuple[Array, Array]:
        delta, decay = x
        advantage = delta + decay * advantage
        return advantage, advantage

    _, advantages = jax.lax.scan(step, jnp.zeros_like(r_t[0]), (delta_t, decay_t), reverse=True)
    return advantages


def known_advantages(
    r_t: Array, known_t: Array, discount_t: Array, trace_t: Array, v_tm1: Array, v_t: Array, lambda_: Array | float
) -> tuple[Array, Array]:
    r"""Estimates advantages where some rewards never arrived, and it is known which.

    .. math:: A_{t-1} = k_t \delta_t + \gamma_t \lambda c_t A_t, \quad \delta_t = r_t + \gamma_t v_t - v_{t-1}

    with :math:`k_t = 0` where the reward was lost: nothing is known of that TD error, and it is taken to be what a
    critic expects of it, zero. So the return of a step is bootstrapped across a lost reward, as from where an episode
    is cut short. If losses are independent of everything else, then wherever the values are right the estimate is right
    on average but for a factor, and the values that it leaves where they are on average are the right ones.

    A step whose own reward was lost, and every later one that its trace reaches, has no estimate: nothing may be learnt
    from its zero.

    Args:
      r_t: `[T]` rewards, reward units.
      known_t: `[T]` in {0, 1}; 0 where the reward was lost.
      discount_t: `[T]` continuation times discount; 0 where the episode terminated.
      trace_t: `[T]` in {0, 1}; 0 where an episode ended for any reason.
      v_tm1: `[T]` values of the observations before each action.
      v_t: `[T]` values of the observations after each action, before any reset.
      lambda_: mixing of n-step estimates, in [0, 1].

    Returns:
      `[T]` advantages :math:`A_{t-1}`, reward units, and `[T]` in {0, 1}, 1 for steps that have an estimate.

    Raises:
      AssertionError: chex's, for anything but one stream: use `jax.vmap` with ``in_axes=1`` for `[T, E]`.

    Reference:
      Schulman et al., High-dimensional continuous control using generalized advantage estimation (2016), eq. 16; what
      is lost is ours.

    Example:
      >>> import jax.numpy as jnp
      >>> one, zero, known = jnp.ones(3), jnp.zeros(3), jnp.array([0., 1., 0.])
      >>> advantages, estimated = known_advantages(one, known, 0.5 * one, one, zero, zero, 1.0)
      >>> print(advantages, estimated)
      [0.5 1.  0. ] [1. 1. 0.]
    """
    check_shapes(
        "known_advantages",
        r_t=(r_t, "T"),
        known_t=(known_t, "T"),
        discount_t=(discount_t, "T"),
        trace_t=(trace_t, "T"),
        v_tm1=(v_tm1, "T"),
        v_t=(v_t, "T"),
        lambda_=(lambda_, ""),
    )
    delta_t = jnp.where(known_t > 0, r_t + discount_t * v_t - v_tm1, 0.0)
    decay_t = discount_t * trace_t * lambda_

    def step(later: tuple[Array, Array], x: tuple[Array, Array, Array]) -> tuple[tuple, tuple]:
        delta, decay, known = x
        advantage, estimated = later
        now = delta + decay * advantage, jnp.where(decay > 0, jnp.maximum(known, estimated), known)
        return now, now

    zero = jnp.zeros_like(r_t[0])
    _, found = jax.lax.scan(step, (zero, zero), (delta_t, decay_t, known_t), reverse=True)
    return found


def discounted_returns(r_t: Array, discount_t: Array, v_last: Array | float) -> Array:
    r"""Adds up discounted returns, :math:`G_{t-1} = r_t + \gamma_t G_t` with :math:`G_T` = `v_last`.

    Args:
      r_t: `[T]` rewards, reward units.
      discount_t: `[T]` continuation times discount.
      v_last: `[]` value to bootstrap the last step from.

    Returns:
      `[T]` returns, reward units.

    Raises:
      AssertionError: chex's, for anything but one stream: use `jax.vmap` with ``in_axes=1`` for `[T, E]`.

    Example:
      >>> import jax.numpy as jnp
      >>> print(discounted_returns(jnp.array([0., 0., 1.]), jnp.array([0.5, 0.5, 0.]), jnp.array(9.)))
      [0.25 0.5  1.  ]
    """
    check_shapes("discounted_returns", r_t=(r_t, "T"), discount_t=(discount_t, "T"), v_last=(v_last, ""))

    def step(return_t: Array, x: tuple[Array, Array]) -> tuple[Array, Array]:
        r, discount = x
        return_t = r + discount * return_t
        return return_t, return_t

    _, returns_t = jax.lax.scan(step, jnp.asarray(v_last, r_t.dtype), (r_t, discount_t), reverse=True)
    return returns_t


def potential_shaping(discount_t: Array, potential_tm1: Array, potential_t: Array) -> Array:
    r"""Returns a reward that moves no optimum, :math:`F_t = \gamma_t \Phi_t - \Phi_{t-1}`.

    Over an episode that terminates, its discounted sum is :math:`-\Phi_0`, whatever was done.

    Args:
      discount_t: `[T]` continuation times discount; 0 where the episode terminated.
      potential_tm1: `[T]` potentials before each action, reward units.
      potential_t: `[T]` potentials after it.

    Returns:
      `[T]` reward units.

    Raises:
      AssertionError: chex's, for anything but one stream: use `jax.vmap` with ``in_axes=1`` for `[T, E]`.

    Reference:
      Ng, Harada and Russell, Policy invariance under reward transformations (1999), eq. 2.

    Example:
      >>> import jax.numpy as jnp
      >>> print(potential_shaping(jnp.array([0.5, 0.]), jnp.array([2., 8.]), jnp.array([8., 3.])))
      [ 2. -8.]
    """
    check_shapes(
        "potential_shaping",
        discount_t=(discount_t, "T"),
        potential_tm1=(potential_tm1, "T"),
        potential_t=(potential_t, "T"),
    )
    return discount_t * potential_t - potential_tm1
