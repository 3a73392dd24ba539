"""Learning from what one's own choices bring about, or from what the choices of another learner do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng, rollout
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.actor_critic import received
from regimax.learners.always_on import next_observation, shown
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.beside import HEAD, ROLLOUTS, joined
from regimax.learners.objectives import Objective
from regimax.learners.prediction import SETTINGS as PREDICTION
from regimax.learners.prediction import fit
from regimax.networks import Network, NetworkFactory
from regimax.ops.losses import weighted_mean
from regimax.ops.trees import select
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import RingState, Source, ring
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, count

ANOTHER, ITSELF, NOBODY = 0, 1, 2
MATES = ("another", "itself", "nobody")
"""Who the mate is, as the setting `mate` counts them."""

SETTINGS = (
    Setting("learning_rate", 1e-3, 0, 1, "Adam's step size"),
    *base.OPTIMISER_SETTINGS,
    Setting("discount", 1.0, 0, 1, "γ"),
    Setting("temperature", 0.05, 0, 1e6, "τ, of choices between actions, reward units", open_low=True),
    Setting("reward_of_mate", 0, 0, 1, "whether action values are learnt from the mate's stream", integer=True),
    Setting("prediction_of_mate", 0, 0, 1, "whether the mate's stream is what is predicted", integer=True),
    Setting("mate", ANOTHER, ANOTHER, NOBODY, "who acts there: another, itself, nobody that learns", integer=True),
)


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      ring: streams that were lived.
      question: the predictor's memory.
      mate: the mate, a `LearnerState`; nothing in the mate itself.
    """

    ring: RingState
    question: PyTree
    mate: PyTree = ()


def yoked(
    fits: int = 4,
    capacity: int | None = None,
    objective: Objective | None = None,
    optimizer: Optimizer = base.adam,
) -> LearnerFactory:
    r"""Makes a learner that has a mate: another one, in the same world and of the same age, from other initial weights.

    Both act, as often, in streams of their own, and the mate learns from its own. Of the learner a setting says for
    action values, and another for prediction, whether it learns from its own stream or from its mate's. So all arms are
    one program and cost the same; what differs is whose choices made the data.

    A policy gradient is right only for who acted, and neither clipping nor the ratios of single actions make it right
    for others. So actions have values here,

    .. math:: \ell = (q(o_{t-1}, a_{t-1}) - r_t - \gamma_t \max_a q(o_t, a))^2 / 2,

    whose fixed point does not depend on who chose :math:`a_{t-1}`, only on that it was chosen at times, and the choice
    is :math:`\pi \propto e^{q / \tau}`. What remains between two streams is what they show. Steps whose reward was lost
    teach no action values.

    Args:
      fits: updates of the action values, and of the predictor, after each rollout; each on as many streams of a ring as
        there are in a rollout.
      capacity: streams in a ring, a multiple of those of a rollout; 16 rollouts when not given.
      objective: what the predictor is asked; as for :func:`regimax.learners.always_on`.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners for the learner's own behaviour. Settings: `learning_rate`, `max_grad_norm`, `discount`,
      `temperature`; `reward_of_mate`, `prediction_of_mate`; `mate`: 0 for another learner, 1 for the learner's own
      policy in other episodes (the null: equal policies), 2 for one that never learns and chooses nearly evenly, by its
      first weights; and those of prediction with the prefix ``prediction.``. Metrics: ``value_loss`` (squared reward
      units), ``prediction_…``, ``pay`` and its bits of the stream whose reward is learnt from, ``train_success`` and
      ``mate_train_success``; evaluated: those of `rollout.evaluate`, and ``eval_…``, the predictor's in the learner's
      own stream. Counted are the learner's own steps, of which the mate takes as many; FLOPs are those of both. A
      network with a memory goes through the mate's streams from an empty one.

    Raises:
      UserError: for fewer than one fit, and once the source is known, for one that is not the learner's own behaviour,
        a capacity that does not fit it, or a world that cuts episodes short.

    Reference:
      Ostrovski, Castro and Dabney, The difficulty of passive learning in deep reinforcement learning (2021), section 2;
      here choices are soft and there is no slow copy of the network. Held and Hein (1963) yoked kittens.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.yoked(4, evaluate=rx.regimes.Evaluate(every=4), learner={"fits": 2})
      >>> rx.make_train(regime, rx.envs.Lock()).default_hparams["rl.reward_of_mate"].item()
      1
    """
    fits = count(fits, "yoked: fits")
    ask = next_observation if objective is None else objective

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        if not source.agentic:
            raise UserError("yoked: the stream must be the learner's own behaviour")
        if world.truncates:
            raise UserError(
                f"yoked: {world.name} cuts episodes short, and values of another's last views are not known"
            )
        question = ask(source, network(source.num_inputs, {}).width)
        predictor = network(source.num_inputs, question.heads)
        valuer = network(source.num_inputs, {"policy": world.num_actions})
        net, _, of_predictor, named = joined(valuer, predictor, tuple(question.heads))
        replay = ring(ROLLOUTS * source.num_envs if capacity is None else capacity)
        if replay.capacity % source.num_envs:
            raise UserError(f"capacity = {capacity} is not a multiple of the {source.num_envs} streams of a rollout")
        held = tuple(dict.fromkeys((*freeze, *(HEAD + part for part in question.heads))))
        held_by_predictor = tuple(part.removeprefix(HEAD) for part in freeze)
        own_settings = (*PREDICTION, *question.settings)

        def asked(hparams: HParams) -> HParams:
            return {**hparams, **{s.name: hparams[f"prediction.{s.name}"] for s in own_settings}}

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            soft = _softened(net, hparams["temperature"])
            return base.softmax_policy(soft, params, world.legal(hidden), base.coding(source.channels, hparams))

        def live(
            key: Array, state: LearnerState, params: Params, hparams: HParams
        ) -> tuple[LearnerState, Trajectory, dict[str, Array]]:
            acting = policy(params, state.source.world, hparams)
            streams, lived, counts = source.next(key, state.source, acting, hparams)
            return state._replace(source=streams), lived, counts

        def begin(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.begin(net, source, optimizer, held)(keys, hparams, inherited)
            params = of_predictor(state.params)
            predicting = optimizer(asked(hparams)).init(base.trainable(params, held_by_predictor))
            stored = replay.init(jax.eval_shape(lambda: live(keys.learner, state, state.params, hparams)[1]))
            return state._replace(
                opt_state={"rl": state.opt_state, "prediction": predicting},
                memory=Memory(stored, question.begin(params)),
            )

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = begin(keys, hparams, inherited)
            mate = begin(keys._replace(learner=prng.named(keys.learner, "mate")), hparams, inherited)
            return state._replace(memory=state.memory._replace(mate=mate))

        def value_loss(params: Params, lived: Trajectory, legal: Array, hparams: HParams) -> tuple[Array, Metrics]:
            code = base.coding(source.channels, hparams)
            carry, outputs, _ = net.apply(params, lived.carry, lived.obs_tm1, lived.first_tm1, code)
            _, then, _ = net.apply(params, carry, lived.obs_t[-1:], jnp.zeros_like(lived.first_tm1[:1]), code)
            best = jnp.max(jnp.where(legal, jnp.concatenate([outputs["policy"][1:], then["policy"]]), base.ILLEGAL), -1)
            target = lived.r_t + lived.discount_t * hparams["discount"] * best
            chosen = jnp.sum(outputs["policy"] * jax.nn.one_hot(lived.a_tm1, world.num_actions), axis=-1)
            # What was not carried out has no value, and of what was not paid in full the value is not known.
            weight = lived.mask_tm1 * lived.known_t * lived.extras.get("decided", 1.0)
            return 0.5 * weighted_mean(jnp.square(chosen - jax.lax.stop_gradient(target)), weight), {}

        def study(
            key: Array, state: LearnerState, other: RingState, of_other: tuple[Array, Array], hparams: HParams
        ) -> tuple[LearnerState, Metrics]:
            """Learns from its own ring, or where `of_other` says so for action values or prediction from the other."""
            legal, predicting = world.legal(state.source.world), asked(hparams)

            def streams(key: Array, of_other: Array) -> Trajectory:
                own = replay.sample(key, state.memory.ring, source.num_envs)
                others = replay.sample(key, other, source.num_envs)
                others = others._replace(carry=net.carry(source.num_envs))  # what the other remembered means nothing
                return select(of_other > 0, others, own)

            def one(learned: tuple[Params, PyTree, PyTree, PyTree], key: Array) -> tuple[tuple, Metrics]:
                params, valuing, predicts, memory = learned
                lived = streams(prng.named(key, "reward"), of_other[0])
                params, valuing, found = base.descend(
                    lambda p: value_loss(p, lived, legal, hparams), params, valuing, optimizer(hparams), held
                )
                seen = shown(source, streams(prng.named(key, "prediction"), of_other[1]))
                keys = prng.named(key, "shuffle"), prng.named(key, "loss")
                (part, predicts, memory), said = fit(
                    question,
                    predictor,
                    optimizer(predicting),
                    held_by_predictor,
                    keys,
                    (of_predictor(params), predicts, memory),
                    seen,
                    predicting,
                )
                metrics = {"value_loss": found["loss"]} | {f"prediction_{name}": x for name, x in said.items()}
                return (params | named(part), valuing, predicts, memory), metrics

            learned = (state.params, state.opt_state["rl"], state.opt_state["prediction"], state.memory.question)
            learned, metrics = jax.lax.scan(one, learned, jax.random.split(key, fits))
            params, valuing, predicts, memory = learned
            state = state._replace(
                params=params,
                opt_state={"rl": valuing, "prediction": predicts},
                memory=state.memory._replace(question=memory),
            )
            return state, jax.tree.map(jnp.mean, metrics)

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_mate, mate = prng.named(key, "mate"), state.memory.mate
            acting = select(hparams["mate"] == ITSELF, state.params, mate.params)
            mate, others, others_counts = live(prng.named(key_mate, "live"), mate, acting, hparams)
            state, lived, counts = live(prng.named(key, "live"), state, state.params, hparams)
            mate = _kept(mate, replay.push(mate.memory.ring, others))
            state = _kept(state, replay.push(state.memory.ring, lived))
            whose = hparams["reward_of_mate"], hparams["prediction_of_mate"]
            state, metrics = study(prng.named(key, "study"), state, mate.memory.ring, whose, hparams)
            alone = jnp.zeros(()), jnp.zeros(())
            taught, _ = study(prng.named(key_mate, "study"), mate, mate.memory.ring, alone, hparams)
            mate = select(hparams["mate"] == NOBODY, mate, taught)
            paid = select(whose[0] > 0, (others.r_t, others_counts), (lived.r_t, counts))
            metrics |= {"pay": paid[0].mean()} | received(paid[1], lived.r_t.size)
            for name, counted in (("train_success", counts), ("mate_train_success", others_counts)):
                metrics[name] = counted["successes"] / jnp.maximum(counted["episodes"], 1.0)
            return state._replace(memory=state.memory._replace(mate=mate)), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            hidden = state.source.world
            acting = policy(state.params, hidden, hparams)
            metrics = rollout.evaluate(key, world, hidden, source.channels, acting, episodes, hparams)
            seen = shown(source, live(prng.named(key, "live"), state, state.params, hparams)[1])
            params, key_loss = of_predictor(state.params), prng.named(key, "loss")
            _, said = question.loss(key_loss, predictor, params, state.memory.question, seen, seen, asked(hparams))
            return metrics | {f"eval_{name}": value for name, value in said.items()}

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=(*SETTINGS, *(s._replace(name=f"prediction.{s.name}") for s in own_settings)),
            spec=(
                "yoked",
                fits,
                replay.capacity,
                question.spec,
                base.optimizer_name(optimizer),
                net.spec,
                source.spec,
                tuple(freeze),
                episodes,
            ),
        )

    return factory


def _kept(state: LearnerState, stored: RingState) -> LearnerState:
    return state._replace(memory=state.memory._replace(ring=stored))


def _softened(network: Network, temperature: Array) -> Network:
    """Returns the network with action values divided by a temperature, as logits."""

    def apply(*args: PyTree) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
        carry, outputs, taps = network.apply(*args)
        return carry, outputs | {"policy": outputs["policy"] / temperature}, taps

    return network._replace(apply=apply)
