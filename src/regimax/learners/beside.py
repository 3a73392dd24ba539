"""A predictor beside reinforcement: one trunk, two optimisers, and a ring of what was lived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax

from regimax import prng
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.actor_critic import Pay, Reinforce, Reinforcement, heads
from regimax.learners.base import LearnerState, Optimizer
from regimax.learners.objectives import Question
from regimax.learners.prediction import ANSWERS, fit
from regimax.networks import Network, NetworkFactory
from regimax.prng import Keys
from regimax.sources import RingState, Source, ring
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec, Trajectory

HEAD = "predicted_"
"""Of a predictor's heads, beside ``policy`` and ``value``."""

ROLLOUTS = 16
"""How many rollouts a ring holds when nobody says."""


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      bonus: the memory of the bonus.
      ring: past streams, as the predictor is shown them.
      question: the predictor's memory.
      note: what the learner's pay has noted.
    """

    bonus: PyTree
    ring: RingState
    question: PyTree
    note: PyTree = ()


class Beside(NamedTuple):
    """The parts of a learner that predicts beside learning from reward.

    Attributes:
      network: the actor-critic's, whose parameters hold the predictor's heads too, as ``predicted_<head>``.
      predictor: the predictor's, over the parts that `of_predictor` takes.
      of_predictor: `params -> params`.
      parts: reinforcement.
      init: as in `Learner`.
      reinforce: `(key, state, hparams, pay=None) -> (state, metrics)`: one update of reinforcement, into the ring.
      predict: `(key, state, hparams) -> (state, metrics)`: the predictor's updates from the ring.
      assess: `(key, state, hparams) -> metrics`, of the predictor on fresh experience.
      settings: of both, the predictor's with its prefix.
      spec: what it is.
    """

    network: Network
    predictor: Network
    of_predictor: Callable[[Params], Params]
    parts: Reinforcement
    init: Callable[[Keys, HParams, Params], LearnerState]
    reinforce: Callable[..., tuple[LearnerState, Metrics]]
    predict: Callable[[Array, LearnerState, HParams], tuple[LearnerState, Metrics]]
    assess: Callable[[Array, LearnerState, HParams], Metrics]
    settings: tuple[Setting, ...]
    spec: Spec


class Joined(NamedTuple):
    """Two networks with one trunk.

    Attributes:
      network: the actor's, whose parameters hold the predictor's heads too, as ``predicted_<head>``.
      body: the parts that are no heads of the predictor.
      of_predictor: `params -> params`, those of the predictor, by its own names.
      named: `params -> params`, the way back.
    """

    network: Network
    body: tuple[str, ...]
    of_predictor: Callable[[Params], Params]
    named: Callable[[Params], Params]


def joined(actor: Network, predictor: Network, answers: Sequence[str]) -> Joined:
    """Joins an actor's network and a predictor's that differ in their heads alone.

    Args:
      actor: the actor's.
      predictor: the predictor's.
      answers: the heads of the predictor.
    """
    body = tuple(part for part in jax.eval_shape(predictor.init, jax.random.key(0)) if part not in answers)

    def of_predictor(params: Params) -> Params:
        return {part: params[part] for part in body} | {part: params[HEAD + part] for part in answers}

    def named(params: Params) -> Params:
        return {HEAD + part if part in answers else part: value for part, value in params.items()}

    network = actor._replace(
        init=lambda key: named(predictor.init(key)) | actor.init(key), spec=(actor.spec, predictor.spec)
    )
    return Joined(network, body, of_predictor, named)


def beside(
    name: str,
    question: Question,
    reinforce: Reinforce,
    network: NetworkFactory,
    source: Source,
    freeze: Sequence[str],
    episodes: int,
    *,
    settings: Sequence[Setting],
    optimizer: Optimizer,
    show: Callable[[Trajectory], Trajectory],
    times: int,
    capacity: int | None = None,
    trains: tuple[bool, bool] = (True, True),
    names: Sequence[str] = ANSWERS,
) -> Beside:
    """Puts a predictor beside an actor-critic, on the trunk of one network.

    Args:
      name: prefix of the predictor's settings (``<name>.``) and metrics (``<name>_``).
      question: what it is asked.
      reinforce: makes the actor-critic.
      network: makes the networks.
      source: the learner's own behaviour.
      freeze: parts that neither trains.
      episodes: of an evaluation.
      settings: of prediction, without those of the question; `shuffle` among them.
      optimizer: the predictor's.
      show: what a rollout shows to the predictor.
      times: the predictor's updates in a row, each on as many streams of the ring as there are in a rollout.
      capacity: streams in the ring; 16 rollouts when not given.
      trains: whether reinforcement and whether prediction trains the trunk.
      names: what the sham takes from other streams.

    Raises:
      UserError: for a source of others' behaviour, or a capacity that is no multiple of its streams.
    """
    if not source.agentic:
        raise UserError("prediction beside reinforcement: the stream must be the learner's own behaviour")
    actor, predictor = network(source.num_inputs, heads(source)), network(source.num_inputs, question.heads)
    joint, body, of_predictor, named = joined(actor, predictor, tuple(question.heads))
    replay = ring(ROLLOUTS * source.num_envs if capacity is None else capacity)
    if replay.capacity % source.num_envs:
        raise UserError(f"capacity = {capacity} is not a multiple of the {source.num_envs} streams of a rollout")
    settings = (*settings, *question.settings)

    others = tuple(HEAD + part for part in question.heads) + (() if trains[0] else body)
    parts = reinforce(joint, source, tuple(dict.fromkeys((*freeze, *others))), episodes)
    frozen = tuple(part.removeprefix(HEAD) if part.startswith(HEAD) else part for part in freeze)
    frozen = tuple(dict.fromkeys((*frozen, *(() if trains[1] else body))))

    def asked(hparams: HParams) -> HParams:
        return {**hparams, **{setting.name: hparams[f"{name}.{setting.name}"] for setting in settings}}

    def live(key: Array, state: LearnerState, hparams: HParams) -> Trajectory:
        acting = parts.policy(state.params, state.source.world, hparams)
        return show(source.next(key, state.source, acting, hparams)[1])

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
        state = parts.init(keys, hparams, inherited)
        params = of_predictor(state.params)
        opt_state = optimizer(asked(hparams)).init(base.trainable(params, frozen))
        stored = replay.init(jax.eval_shape(lambda: live(keys.learner, state, hparams)))
        return state._replace(
            opt_state={"rl": state.opt_state, name: opt_state},
            memory=Memory(state.memory, stored, question.begin(params)),
        )

    def reinforced(
        key: Array, state: LearnerState, hparams: HParams, pay: Pay | None = None
    ) -> tuple[LearnerState, Metrics]:
        alone = state._replace(opt_state=state.opt_state["rl"], memory=state.memory.bonus)
        new, lived, note, metrics = parts.update(key, alone, hparams, pay)
        stored = replay.push(state.memory.ring, show(lived))
        new = new._replace(
            opt_state=state.opt_state | {"rl": new.opt_state},
            memory=state.memory._replace(bonus=new.memory, ring=stored, note=note),
        )
        return new, metrics

    def predict(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
        hparams = asked(hparams)

        def one(learned: tuple[Params, PyTree, PyTree], key: Array) -> tuple[tuple, Metrics]:
            key_sample, key_shuffle = jax.random.split(key)
            streams = replay.sample(key_sample, state.memory.ring, source.num_envs)
            keys = key_shuffle, prng.named(key, "loss")
            return fit(question, predictor, optimizer(hparams), frozen, keys, learned, streams, hparams, names)

        learned = (of_predictor(state.params), state.opt_state[name], state.memory.question)
        (params, opt_state, memory), metrics = jax.lax.scan(one, learned, jax.random.split(key, times))
        state = state._replace(
            params=state.params | named(params),
            opt_state=state.opt_state | {name: opt_state},
            memory=state.memory._replace(question=memory),
        )
        return state, {f"{name}_{metric}": value.mean() for metric, value in metrics.items()}

    def assess(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
        streams, key_loss = live(prng.named(key, "live"), state, hparams), prng.named(key, "loss")
        params, memory = of_predictor(state.params), state.memory.question
        _, metrics = question.loss(key_loss, predictor, params, memory, streams, streams, asked(hparams))
        return {f"eval_{metric}": value for metric, value in metrics.items()}

    return Beside(
        network=joint,
        predictor=predictor,
        of_predictor=of_predictor,
        parts=parts,
        init=init,
        reinforce=reinforced,
        predict=predict,
        assess=assess,
        settings=(*parts.settings, *(s._replace(name=f"{name}.{s.name}") for s in settings)),
        spec=(
            times,
            trains,
            replay.capacity,
            question.spec,
            base.optimizer_name(optimizer),
            predictor.spec,
            parts.spec,
        ),
    )
