"""What every learner promises, and what learners share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax

from regimax import prng
from regimax.channels import Channel, Signal
from regimax.networks import Code, Network, NetworkFactory
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec


class LearnerState(NamedTuple):
    """What a learner carries from update to update.

    Attributes:
      params: the network's parameters, one subtree per part.
      opt_state: the optimiser's, over the parts that are not frozen.
      source: the state of its source of experience.
      memory: what else it keeps.
    """

    params: Params
    opt_state: PyTree
    source: PyTree
    memory: PyTree = ()


class Interlude(NamedTuple):
    """What a learner does less often than it updates.

    Its place is between updates, so that under `vmap` nobody pays for it when its turn has not come: inside of them, a
    branch on a counter would run both sides at every update.

    Attributes:
      every: updates between two interludes; divides those of a tick.
      run: `(key, state, hparams) -> (state, metrics)`; the metrics have other names than those of `update`.
    """

    every: int
    run: Callable[[Array, LearnerState, HParams], tuple[LearnerState, Metrics]]


class Learner(NamedTuple):
    """One kind of learning as pure functions.

    Attributes:
      init: `(keys, hparams, inherited) -> state`; `inherited` holds parameter subtrees that replace fresh ones.
      update: `(key, state, hparams) -> (state, metrics)`.
      evaluate: `(key, state, hparams) -> metrics`, on fresh experience.
      policy: `(params, world, hparams) -> Policy`, how the learner acts in a world with this hidden structure.
      network: the network it trains.
      source: where its experience comes from.
      settings: the traced settings that are its own, without a prefix, with their defaults.
      spec: what it is.
      interlude: what it does after every so many updates.
    """

    init: Callable[[Keys, HParams, Params], LearnerState]
    update: Callable[[Array, LearnerState, HParams], tuple[LearnerState, Metrics]]
    evaluate: Callable[[Array, LearnerState, HParams], Metrics]
    policy: Callable[[Params, PyTree, HParams], Policy]
    network: Network
    source: Source
    settings: tuple[Setting, ...]
    spec: Spec
    interlude: Interlude | None = None


class LearnerFactory(Protocol):
    """Makes a learner for a network, a source, the parts to freeze and the episodes to evaluate on."""

    def __call__(self, network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner: ...


Optimizer = Callable[[HParams], optax.GradientTransformation]
"""Makes any optax transformation from traced settings."""

ILLEGAL = -1e9

OPTIMISER_SETTINGS = (Setting("max_grad_norm", 1.0, 0, 1e6, "largest global norm of a gradient", open_low=True),)


def adam(hparams: HParams) -> optax.GradientTransformation:
    """Adam behind a global-norm clip; reads `learning_rate` and `max_grad_norm`."""
    return optax.chain(
        optax.clip_by_global_norm(hparams["max_grad_norm"]), optax.adam(hparams["learning_rate"], eps=1e-5)
    )


def optimizer_name(optimizer: Optimizer) -> str:
    """Returns what an optimiser is called in a spec: the module and name of its function, or of its class."""
    named: Any = optimizer
    while isinstance(named, functools.partial):
        named = named.func
    named = named if hasattr(named, "__qualname__") else type(named)
    return f"{named.__module__}.{named.__qualname__}"


def trainable(params: Params, freeze: Sequence[str]) -> Params:
    """Returns the parts that are not frozen."""
    return {name: part for name, part in params.items() if name not in freeze}


def fresh_params(network: Network, keys: Keys) -> Params:
    """Returns the parameters that a cell's network begins with, the same in every regime and phase."""
    return network.init(prng.named(keys.learner, "init", "params"))


def begin(
    network: Network, source: Source, optimizer: Optimizer, freeze: Sequence[str]
) -> Callable[[Keys, HParams, Params], LearnerState]:
    """Makes the `init` that learners share: fresh parts, inherited ones in their place, a fresh optimiser."""

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        params = fresh_params(network, keys)
        params = params | {name: part for name, part in inherited.items() if name in params}
        opt_state = optimizer(hparams).init(trainable(params, freeze))
        return LearnerState(params, opt_state, source.init(keys, hparams, network.carry))

    return init


def descend(
    loss_fn: Callable[[Params], tuple[Array, Metrics]],
    params: Params,
    opt_state: PyTree,
    transformation: optax.GradientTransformation,
    freeze: Sequence[str],
) -> tuple[Params, PyTree, Metrics]:
    """One step of gradient descent on the parts that are not frozen.

    Returns:
      the parameters, the optimiser's state, and the loss's metrics with ``loss`` and ``grad_norm``.
    """
    frozen = {name: part for name, part in params.items() if name in freeze}
    learned = trainable(params, freeze)
    (loss, metrics), grads = jax.value_and_grad(lambda p: loss_fn(frozen | p), has_aux=True)(learned)
    updates, opt_state = transformation.update(grads, opt_state, learned)
    params = frozen | dict(optax.apply_updates(learned, updates))  # type: ignore[call-overload]
    return params, opt_state, metrics | {"loss": loss, "grad_norm": optax.tree.norm(grads)}


def coding(channels: Sequence[Channel], hparams: HParams) -> Code | None:
    """Returns what features go through between trunk and heads: the channels of abstraction, where there are any."""
    narrow = [channel for channel in channels if channel.place == "abstraction"]
    if not narrow:
        return None
    one, key = jnp.ones(()), jax.random.key(0)  # nothing is left to chance

    def through(features: Array) -> Array:
        for channel in narrow:
            _, signal = channel.apply(key, channel.init(hparams, features), Signal(features, one, one, one), hparams)
            features = signal.value
        return features

    return jax.vmap(jax.vmap(through))


def softmax_policy(network: Network, params: Params, legal: Array, code: Code | None = None) -> Policy:
    """The policy of a network with the heads ``policy`` and, optionally, ``value``.

    Args:
      network: the network.
      params: its parameters.
      legal: `[A]` bool.
      code: what features go through between trunk and heads.

    Returns:
      the policy. Its extras: ``log_prob`` of the action, ``log_probs`` of all, and ``value`` where there is one.
    """

    def act(carry: PyTree, obs: Array, first: Array, u: Array) -> tuple[PyTree, Array, dict[str, Array]]:
        carry, outputs, _ = network.apply(params, carry, obs[None], first[None], code)
        logits = jnp.where(legal[None], outputs["policy"][0], ILLEGAL)
        log_probs = jax.nn.log_softmax(logits)
        # Inverse of the cumulative distribution: one uniform number an action, and an illegal one has no mass.
        cumulative = jnp.cumsum(jnp.exp(log_probs), axis=-1)
        action = jnp.argmax(cumulative > u[:, None] * cumulative[:, -1:], axis=-1).astype(jnp.int32)
        log_prob = jnp.take_along_axis(log_probs, action[:, None], axis=-1)[:, 0]
        extras = {"log_prob": log_prob, "log_probs": log_probs}
        if "value" in outputs:
            extras["value"] = outputs["value"][0, :, 0]
        return carry, action, extras

    def value(carry: PyTree, obs: Array) -> Array:
        _, outputs, _ = network.apply(params, carry, obs[None], jnp.zeros((1, obs.shape[0])), code)
        return outputs["value"][0, :, 0]

    return Policy(network.carry, act, value)
