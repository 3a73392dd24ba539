"""Learning a model of a world from random behaviour: what follows, what it pays, and whether it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from regimax import prng
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.actor_critic import received
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.imagined import Imagined, Openings, extended, remember, segments, transition
from regimax.learners.objectives import Question
from regimax.learners.prediction import SETTINGS, fit
from regimax.networks import Network, NetworkFactory
from regimax.ops.losses import stepwise_cross_entropy, weighted_mean
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import RingState, Source, ring
from regimax.sources.base import check_streams
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory

ROLLOUTS = 16
"""How many rollouts the ring holds when nobody says."""

ANSWERS = ("obs_t", "r_t", "known_t", "discount_t", "mask_tm1")
"""What of a trajectory the sham takes from others."""


class Memory(NamedTuple):
    """What is kept beside parameters: past streams."""

    ring: RingState


def _question(source: Source, model: Network) -> Question:
    """What is asked of the model, whose parameters are the part ``model``."""
    world = source.world
    low, high = world.reward_range
    where = segments(world.fields)

    def loss(
        key: Array,
        network: Network,
        params: Params,
        memory: PyTree,
        trajectory: Trajectory,
        answers: Trajectory,
        hparams: HParams,
    ) -> tuple[Array, Metrics]:
        del key, network, memory
        actions = jax.nn.one_hot(trajectory.a_tm1, world.num_actions)
        x = jnp.concatenate([trajectory.obs_tm1, actions], axis=-1)
        _, outputs, _ = model.apply(params["model"], trajectory.carry, x, trajectory.first_tm1)
        mask = trajectory.mask_tm1 * answers.mask_tm1
        right, total, metrics = jnp.ones_like(mask), jnp.zeros(()), {}
        for name, (categorical, part) in where.items():
            target, output = answers.obs_t[..., part], outputs[name]
            if categorical:
                target = extended(target)
                distance = weighted_mean(stepwise_cross_entropy(output, target), mask)
                metrics[f"{name}_bits"] = distance / jnp.log(2.0)
                right = right * (jnp.argmax(output, -1) == jnp.argmax(target, -1))
            else:
                distance = weighted_mean(jnp.mean(jnp.square(output - target), -1), mask)
                metrics[f"{name}_error"] = distance
            total = total + distance
        paid = jnp.clip((answers.r_t - low) / (high - low), 0.0, 1.0)
        pay, end = (
            weighted_mean(optax.sigmoid_binary_cross_entropy(outputs[name][..., 0], target), weight)
            for name, target, weight in (("pay", paid, mask * answers.known_t), ("end", 1.0 - answers.discount_t, mask))
        )
        metrics |= {"pay_bits": pay / jnp.log(2.0), "end_bits": end / jnp.log(2.0)}
        if any(categorical for categorical, _ in where.values()):
            metrics["next_accuracy"] = weighted_mean(right, mask)
        return total + hparams["pay_coef"] * pay + end, metrics

    return Question(
        heads={},
        begin=lambda params: (),
        loss=loss,
        refresh=lambda memory, params, hparams: memory,
        settings=(Setting("pay_coef", 1.0, 0, 1e6, "weight of the pay against a field of what follows"),),
        spec=("transition", model.spec),
    )


def world_model(
    fits: int = 4, capacity: int | None = None, openings: int = 256, optimizer: Optimizer = base.adam
) -> LearnerFactory:
    r"""Makes a learner that acts at random and learns what its actions lead to.

    .. math:: \ell = \sum_f d(p_f(o_{t-1}, a_{t-1}), o_t^f) + c\, \mathrm{CE}(\hat r, r_t) + \mathrm{CE}(\hat e, e_t)

    with the distance d the cross-entropy of one-hot fields and the mean squared error per number of real-valued ones,
    r the pay that arrived on the scale 0 … 1 of the world's rewards, to which it is clipped, and e whether the episode
    terminated; a step whose pay was lost does not ask for it. It acts uniformly at random in the world itself, and is
    paid: its steps are environment steps. It also remembers how episodes opened.

    Args:
      fits: updates of the model per rollout, each on as many whole streams as there are in it, from a replay ring.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      openings: openings of episodes that are remembered.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners for the learner's own behaviour. The network is that of the model, see
      :func:`regimax.learners.imagined`; its parameters are the part ``model``, beside the part ``openings``. Settings:
      `learning_rate`, `max_grad_norm`, `shuffle` (the sham: what followed other streams' actions at the same time) and
      `pay_coef`. Metrics: ``loss``, ``next_<field>_bits`` or ``next_<field>_error``, ``pay_bits`` and ``end_bits``
      (cross-entropies, bits per step), ``next_accuracy`` (steps after which the likeliest value of every one-hot field
      is the right one), ``pay`` and the ``…_bits_bound`` of what arrived, as of the actor-critic; evaluated
      (``eval_…``) on fresh experience.

    Raises:
      UserError: for a number that is not a whole one above 0, and once the source is known, where it is not the
        learner's own behaviour, or for a capacity that does not fit it.

    Reference:
      Sutton, Dyna, an integrated architecture for learning, planning, and reacting (1991).
    """
    fits = check_streams("world_model", fits, "fits")
    openings = check_streams("world_model", openings, "openings")

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        del episodes
        if not source.agentic:
            raise UserError("world_model: what actions lead to is learnt from the learner's own behaviour")
        world, num_envs = source.world, source.num_envs
        model, dreamt = transition(network, world), Imagined(world, network, openings)
        replay = ring(ROLLOUTS * num_envs if capacity is None else capacity)
        if replay.capacity % num_envs:
            raise UserError(f"capacity = {capacity} is not a multiple of the {num_envs} streams of a rollout")
        fixed = tuple(dict.fromkeys((*freeze, "openings")))
        remembers = bool(jax.tree.leaves(jax.eval_shape(lambda: model.carry(1))))
        question = _question(source, model)

        def apply(params: Params, carry: PyTree, x: Array, first: Array, code: object = None) -> tuple:
            del code
            return model.apply(params["model"], carry, x, first)

        net = model._replace(init=dreamt.parts, apply=apply)
        begin = base.begin(net, source, optimizer, fixed)

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            """Uniformly random; its memory is the model's."""
            del hparams
            legal = world.legal(hidden)
            cumulative = jnp.cumsum(legal.astype(jnp.float32))

            def act(carry: PyTree, obs: Array, first: Array, u: Array) -> tuple[PyTree, Array, dict[str, Array]]:
                action = jnp.argmax(cumulative[None] > u[:, None] * cumulative[-1], axis=-1).astype(jnp.int32)
                if remembers:
                    x = jnp.concatenate([obs, jax.nn.one_hot(action, world.num_actions)], axis=-1)
                    carry, _, _ = model.apply(params["model"], carry, x[None], first[None])
                return carry, action, {}

            return Policy(model.carry, act, lambda carry, obs: jnp.zeros(obs.shape[0]))

        def live(key: Array, state: LearnerState, hparams: HParams) -> tuple[PyTree, Trajectory, dict[str, Array]]:
            acting = policy(state.params, state.source.world, hparams)
            source_state, lived, counts = source.next(key, state.source, acting, hparams)
            return source_state, lived._replace(extras={}), counts

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = begin(keys, hparams, inherited)
            stored = replay.init(jax.eval_shape(lambda: live(keys.learner, state, hparams)[1]))
            return state._replace(memory=Memory(stored))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_next, key_fit = jax.random.split(key)
            source_state, lived, counts = live(key_next, state, hparams)
            stored = replay.push(state.memory.ring, lived)
            obs, first = lived.obs_tm1.reshape(-1, source.num_inputs), lived.first_tm1.reshape(-1)
            bank = remember(Openings(**state.params["openings"]), obs, first)
            params = state.params | {"openings": bank._asdict()}

            def one(learned: tuple[Params, PyTree, PyTree], key: Array) -> tuple[tuple, Metrics]:
                key_sample, key_shuffle = jax.random.split(key)
                streams = replay.sample(key_sample, stored, num_envs)
                keys = key_shuffle, prng.named(key, "loss")
                return fit(question, net, optimizer(hparams), fixed, keys, learned, streams, hparams, ANSWERS)

            learned = (params, state.opt_state, ())
            (params, opt_state, _), metrics = jax.lax.scan(one, learned, jax.random.split(key_fit, fits))
            metrics = jax.tree.map(jnp.mean, metrics) | {"pay": lived.r_t.mean()} | received(counts, lived.r_t.size)
            return LearnerState(params, opt_state, source_state, Memory(stored)), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            _, lived, _ = live(key, state, hparams)
            _, metrics = question.loss(prng.named(key, "loss"), net, state.params, (), lived, lived, hparams)
            return {f"eval_{name}": value for name, value in metrics.items()}

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=(*SETTINGS, *question.settings),
            spec=(
                "world_model",
                fits,
                replay.capacity,
                openings,
                question.spec,
                base.optimizer_name(optimizer),
                source.spec,
                fixed,
            ),
        )

    return factory
