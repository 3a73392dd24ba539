"""What every learner promises, and what learners share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import optax

from regimax import prng
from regimax.errors import UserError
from regimax.networks import Network, NetworkFactory
from regimax.networks.base import STATISTICS
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec, Trajectory


class LearnerState(NamedTuple):
    """What a learner carries from update to update.

    Attributes:
      params: the network's parameters, one subtree per part.
      source: the state of its source of experience.
      memory: what else it keeps: of optimisers, objectives and replay.
    """

    params: Params
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
    """Returns the parts that are trained: those that are neither frozen nor statistics of observations."""
    return {name: part for name, part in params.items() if name not in freeze and name != STATISTICS}


def fresh_params(network: Network, keys: Keys) -> Params:
    """Returns the parameters that a cell's network begins with, the same in every regime and phase."""
    return network.init(prng.named(keys.learner, "init", "params"))


def make_init(network: Network, source: Source) -> Callable[[Keys, HParams, Params], LearnerState]:
    """Makes the `init` that learners share: fresh parts, inherited ones in their place, and no memory yet."""

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        params = fresh_params(network, keys)
        params = params | {name: part for name, part in inherited.items() if name in params}
        return LearnerState(params, source.init(keys, hparams, network.carry))

    return init


def descend(
    loss_fn: Callable[[Params], tuple[Array, Metrics]],
    params: Params,
    opt_state: PyTree,
    transformation: optax.GradientTransformation,
    freeze: Sequence[str],
) -> tuple[Params, PyTree, Metrics]:
    """Takes one step of gradient descent on the parts that are not frozen.

    Returns:
      the parameters, the optimiser's state, and the loss's metrics with ``loss`` and ``grad_norm``.
    """
    learned = trainable(params, freeze)
    frozen = {name: part for name, part in params.items() if name not in learned}
    (loss, metrics), grads = jax.value_and_grad(lambda p: loss_fn(frozen | p), has_aux=True)(learned)
    updates, opt_state = transformation.update(grads, opt_state, learned)
    params = frozen | dict(optax.apply_updates(learned, updates))  # type: ignore[call-overload]
    return params, opt_state, metrics | {"loss": loss, "grad_norm": optax.tree.norm(grads)}


def check_own_behaviour(name: str, source: Source) -> None:
    """Refuses a source whose steps are not the learner's own.

    Raises:
      UserError: naming who needs it.
    """
    if not source.agentic:
        raise UserError(f"{name}: the stream must be the learner's own behaviour")


OBSERVING = Setting(
    "normalize_observations", 1, 0, 1, "whether statistics of observations run on; at 0 they stay", integer=True
)


def observing_settings(network: Network) -> tuple[Setting, ...]:
    """Returns the settings that :func:`observe` reads; none where a network has no statistics."""
    return () if network.observe is None else (OBSERVING,)


def observe(
    network: Network, params: Params, trajectory: Trajectory, freeze: Sequence[str], hparams: HParams
) -> Params:
    """Takes what a rollout has shown into a network's statistics of observations, after it was learnt from.

    Args:
      network: with or without statistics.
      params: its parameters.
      trajectory: `[T, E, ...]`; of its observations those before actions count, where it counts itself.
      freeze: parts that are not trained. Statistics belong to the trunk, and stand still where it does.
      hparams: the learner's settings.
    """
    if network.observe is None or {STATISTICS, "trunk"} & set(freeze):
        return params
    return network.observe(params, trajectory.obs_tm1, trajectory.mask_tm1 * hparams[OBSERVING.name].astype("float32"))


def check_no_statistics(name: str, network: Network) -> None:
    """Refuses a network that normalises observations, where nothing takes them in.

    Raises:
      UserError: naming who refuses it.
    """
    if network.observe is not None:
        raise UserError(f"{name}: normalize_observations is for actor-critics, prediction and Q-learning")


Rollouts = Callable[[Array, Params, PyTree, HParams], tuple[PyTree, Trajectory]]
"""`(key, params, state, hparams) -> (state, trajectory)`, of a source's state and its next trajectory `[T, E, ...]`."""


def rollouts(source: Source, policy: Callable[[Params, PyTree, HParams], Policy] | None) -> Rollouts:
    """Makes what takes a source on by a policy of parameters.

    It is traced once for all that ask with the same shapes: for the shapes of what is stored, to update, to evaluate.

    Args:
      source: of experience.
      policy: `(params, hidden, hparams) -> Policy`, how the learner acts; None where others do.

    Returns:
      `(key, params, state, hparams) -> (state, trajectory)`, from one of the source's states to the next.
    """

    @functools.partial(jax.jit, inline=True)
    def following(key: Array, params: Params, state: PyTree, hparams: HParams) -> tuple[PyTree, Trajectory]:
        acting = None if policy is None else policy(params, state.world, hparams)
        return source.next(key, state, acting, hparams)

    return following
