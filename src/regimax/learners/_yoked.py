"""Learning from what one's own choices bring about, or from what the choices of another learner do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng, rollout
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners import base
from regimax.learners._always_on import next_observation, shown
from regimax.learners.action_values import HEAD, action_values
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.batch import ObjectiveFactory
from regimax.learners.policies import softmax_policy
from regimax.learners.tasks import TaskState, ring_of, rollout_shape, share_trunk, task
from regimax.networks import NetworkFactory
from regimax.ops.trees import select
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import RingState, Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, count

ANOTHER, ITSELF, NOBODY, EXPERT = 0, 1, 2, 3
PARTNERS = ("another", "itself", "nobody", "expert")
"""Who the partner is, as the setting `partner` counts them."""

SETTINGS = (
    Setting("temperature", 0.05, 0, 1e6, "τ, of choices between actions, reward units", open_low=True),
    Setting("reward_of_partner", 0, 0, 1, "whether action values are learnt from the partner's stream", integer=True),
    Setting("prediction_of_partner", 0, 0, 1, "whether the partner's stream is what is predicted", integer=True),
    Setting(
        "partner",
        ANOTHER,
        ANOTHER,
        EXPERT,
        "who acts there: another, itself, nobody that learns, an expert",
        integer=True,
    ),
)


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      ring: past streams.
      values: what the action values keep.
      prediction: what the predictor keeps.
      partner: the partner, a `LearnerState`; nothing in the partner itself.
    """

    ring: RingState
    values: TaskState
    prediction: TaskState
    partner: PyTree = ()


@once
def yoked(
    updates_per_rollout: int = 4,
    capacity: int | None = None,
    objective: ObjectiveFactory | None = None,
    optimizer: Optimizer = base.adam,
) -> LearnerFactory:
    r"""Makes a learner that has a partner: another one, in the same world and of the same age, from other initial
    weights.

    Both act, as often, in streams of their own, and the partner learns from its own. Of the learner a setting says for
    action values, and another for prediction, whether it learns from its own stream or from its partner's. So all arms
    are one program and cost the same; what differs is whose choices made the data.

    A policy gradient is right only for who acted, and neither clipping nor the ratios of single actions make it right
    for others. So actions have values here,

    .. math:: \ell = (q(o_{t-1}, a_{t-1}) - r_t - \gamma_t \max_a q(o_t, a))^2 / 2,

    whose fixed point does not depend on who chose :math:`a_{t-1}`, only on that it was chosen at times, and the choice
    is :math:`\pi \propto e^{q / \tau}`. What remains between two streams is what they show. Steps whose reward was lost
    teach no action values.

    Args:
      updates_per_rollout: of the action values, and of the predictor, after each rollout; each on as many streams of a
        ring as there are in a rollout.
      capacity: streams in a ring, a multiple of those of a rollout; 16 rollouts when not given.
      objective: what the predictor is asked; as for :func:`regimax.learners.always_on`.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners for the learner's own behaviour. Settings: `learning_rate`, `max_grad_norm`, `discount`,
      `temperature`; `reward_of_partner`, `prediction_of_partner`; `partner`: 0 for another learner, 1 for the learner's
      own policy in other episodes (the null: equal policies), 2 for one that never learns and chooses nearly evenly, by
      its first weights, 3 for one that has learnt before, in the phase before, and learns no more; and those of
      prediction with the prefix ``prediction.``. Metrics: ``value_loss`` (squared reward units), ``prediction_…``,
      those of :func:`regimax.rollout.received` of the stream whose reward is learnt from, ``partner_train_success``;
      evaluated: those of `rollout.evaluate`, and ``eval_…``, the predictor's in the learner's own stream. Counted are
      the learner's own steps, of which the partner takes as many; FLOPs are those of both. A network with a memory goes
      through the partner's streams from an empty one.

    Raises:
      UserError: for fewer than one update per rollout, and once the source is known, for one that is not the learner's
      own behaviour,
        a capacity that does not fit it, or a world that truncates episodes.

    Reference:
      Ostrovski, Castro and Dabney, The difficulty of passive learning in deep reinforcement learning (2021), section 2;
      here choices are soft and there is no slow copy of the network. Held and Hein (1963) yoked kittens.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.yoked(4, evaluate=rx.regimes.Evaluate(every=4), learner={"updates_per_rollout": 2})
      >>> rx.make_train(regime, rx.envs.Lock()).default_hparams["rl.reward_of_partner"].item()
      1
    """
    updates_per_rollout = count(updates_per_rollout, "yoked: updates_per_rollout")
    make_objective = next_observation if objective is None else objective

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        base.check_own_behaviour("yoked", source)
        if world.truncates:
            raise UserError(
                f"yoked: {world.name} truncates episodes (time limit), and values of another's last views are not known"
            )
        asked, valued = make_objective(source, network(source.num_inputs, {}).width), action_values(source)
        predictor, valuer = network(source.num_inputs, asked.heads), network(source.num_inputs, valued.heads)
        base.check_no_statistics("yoked", valuer)
        net = share_trunk(valuer, predictor, tuple(asked.heads), "prediction")
        replay = ring_of(source, capacity)
        how = {"optimizer": optimizer, "freeze": freeze}
        values = task(valued, valuer, source, learning_rate=1e-3, targets=(), **how)
        predicting = task(asked, predictor, source, name="prediction", show=lambda x: shown(source, x), **how)

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            legal, code = world.legal(hidden), source.code(hparams)
            return softmax_policy(net, params, legal, code, HEAD, hparams["temperature"])

        rollouts = base.rollouts(source, policy)

        def init_one(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(net, source)(keys, hparams, inherited)
            stored = replay.init(rollout_shape(rollouts, state, hparams))
            return state._replace(memory=Memory(stored, values.init(state, hparams), predicting.init(state, hparams)))

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = init_one(keys, hparams, inherited)
            if inherited:  # by the partner alone, where that is an expert
                fresh = base.fresh_params(net, keys)
                state = state._replace(params=select(hparams["partner"] == EXPERT, fresh, state.params))
            partner = init_one(keys._replace(learner=prng.named(keys.learner, "mate")), hparams, inherited)
            return state._replace(memory=state.memory._replace(partner=partner))

        def study(
            key: Array, state: LearnerState, other: RingState, of_other: tuple[Array, Array], hparams: HParams
        ) -> tuple[LearnerState, Metrics]:
            """Learns from its own ring, or where `of_other` says so for action values or prediction from the other."""

            def streams(key: Array, of_other: Array) -> Trajectory:
                own = replay.sample(key, state.memory.ring, source.num_envs)
                others = replay.sample(key, other, source.num_envs)
                others = others._replace(carry=net.carry(source.num_envs))  # what the other remembered means nothing
                return select(of_other > 0, others, own)

            def one(learned: tuple[Params, TaskState, TaskState], key: Array) -> tuple[tuple, Metrics]:
                params, valuing, predicts = learned
                keys = prng.named(key, "shuffle"), prng.named(key, "loss")
                drawn = streams(prng.named(key, "reward"), of_other[0])
                params, valuing, found = values.step(keys, params, valuing, drawn, hparams)
                drawn = shown(source, streams(prng.named(key, "prediction"), of_other[1]))
                params, predicts, metrics = predicting.step(keys, params, predicts, drawn, hparams)
                return (params, valuing, predicts), {"value_loss": found["loss"]} | metrics

            learned = (state.params, state.memory.values, state.memory.prediction)
            learned, metrics = jax.lax.scan(one, learned, jax.random.split(key, updates_per_rollout))
            memory = state.memory._replace(values=learned[1], prediction=learned[2])
            return state._replace(params=learned[0], memory=memory), jax.tree.map(jnp.mean, metrics)

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_partner, partner = prng.named(key, "mate"), state.memory.partner
            acting = select(hparams["partner"] == ITSELF, state.params, partner.params)
            theirs, others = rollouts(prng.named(key_partner, "live"), acting, partner.source, hparams)
            ours, trajectory = rollouts(prng.named(key, "live"), state.params, state.source, hparams)
            partner, state = partner._replace(source=theirs), state._replace(source=ours)
            own, of_partner = ours.received, theirs.received
            partner = _stored(partner, replay.push(partner.memory.ring, others))
            state = _stored(state, replay.push(state.memory.ring, trajectory))
            whose = hparams["reward_of_partner"], hparams["prediction_of_partner"]
            state, metrics = study(prng.named(key, "study"), state, partner.memory.ring, whose, hparams)
            alone = jnp.zeros(()), jnp.zeros(())
            taught, _ = study(prng.named(key_partner, "study"), partner, partner.memory.ring, alone, hparams)
            learns = (hparams["partner"] != NOBODY) & (hparams["partner"] != EXPERT)
            partner = select(learns, taught, partner)
            received = select(whose[0] > 0, of_partner, own) | {"train_success": own["train_success"]}
            metrics |= {"partner_train_success": of_partner["train_success"]}
            memory = state.memory._replace(partner=partner)
            return state._replace(source=state.source._replace(received=received), memory=memory), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            hidden = state.source.world
            acting = policy(state.params, hidden, hparams)
            metrics = rollout.evaluate(key, world, hidden, source.channels, acting, episodes, hparams)
            _, trajectory = rollouts(prng.named(key, "live"), state.params, state.source, hparams)
            return metrics | predicting.evaluate(key, state.params, state.memory.prediction, trajectory, hparams)

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=(*values.settings, *SETTINGS, *predicting.settings),
            spec=("yoked", updates_per_rollout, replay.capacity, values.spec, predicting.spec, source.spec, episodes),
        )

    return factory


def _stored(state: LearnerState, ring: RingState) -> LearnerState:
    return state._replace(memory=state.memory._replace(ring=ring))
