"""Learning a model of a world from random behaviour: what follows, what it is worth, and whether it ends."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax

from regimax.envs.learned_model import InitialObservations, LearnedModel, remember
from regimax.factories import once
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.batch import Batch, Objective
from regimax.learners.policies import draw_action
from regimax.learners.tasks import task
from regimax.networks import Code, Network, NetworkFactory
from regimax.networks.dynamics import dynamics, next_segments, with_nothing
from regimax.ops.losses import stepwise_cross_entropy, weighted_mean
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources import Source
from regimax.sources.base import check_streams
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, Setting

TARGETS = ("obs_t", "r_t", "known_t", "discount_t", "mask_tm1")
"""What of a trajectory the sham takes from others."""


def what_follows(source: Source, model: Network) -> Objective:
    """Makes the objective of a model, whose parameters are the part ``model``: what an action leads to."""
    world = source.world
    low, high = world.reward_range
    where = next_segments(world.fields)

    def loss(batch: Batch) -> tuple[Array, Metrics]:
        trajectory, targets = batch.trajectory, batch.targets
        actions = jax.nn.one_hot(trajectory.a_tm1, world.num_actions)
        x = jnp.concatenate([trajectory.obs_tm1, actions], axis=-1)
        _, outputs, _ = batch.network.apply(batch.params, trajectory.carry, x, trajectory.first_tm1, None)
        right, total, metrics = jnp.ones_like(batch.weight), jnp.zeros(()), {}
        for name, (categorical, part) in where.items():
            target, output = targets.obs_t[..., part], outputs[name]
            if categorical:
                target = with_nothing(target)
                distance = weighted_mean(stepwise_cross_entropy(output, target), batch.weight)
                metrics[f"{name}_bits"] = distance / jnp.log(2.0)
                right = right * (jnp.argmax(output, -1) == jnp.argmax(target, -1))
            else:
                distance = weighted_mean(jnp.mean(jnp.square(output - target), -1), batch.weight)
                metrics[f"{name}_error"] = distance
            total = total + distance
        scaled = jnp.clip((targets.r_t - low) / (high - low), 0.0, 1.0)
        reward, termination = (
            weighted_mean(optax.sigmoid_binary_cross_entropy(outputs[name][..., 0], target), weight)
            for name, target, weight in (
                ("reward", scaled, batch.weight * targets.known_t),
                ("termination", 1.0 - targets.discount_t, batch.weight),
            )
        )
        metrics |= {"reward_bits": reward / jnp.log(2.0), "termination_bits": termination / jnp.log(2.0)}
        if any(categorical for categorical, _ in where.values()):
            metrics["next_accuracy"] = weighted_mean(right, batch.weight)
        return total + batch.hparams["reward_coef"] * reward + termination, metrics

    return Objective(
        heads={},
        loss=loss,
        kind=PREDICTION,
        spec=("what_follows", model.spec),
        settings=(Setting("reward_coef", 1.0, 0, 1e6, "weight of the reward against a field of what follows"),),
    )


@once
def world_model(
    updates_per_rollout: int = 4,
    capacity: int | None = None,
    initial_observations: int = 256,
    optimizer: Optimizer = base.adam,
) -> LearnerFactory:
    r"""Makes a learner that acts at random and learns what its actions lead to.

    .. math:: \ell = \sum_f d(p_f(o_{t-1}, a_{t-1}), o_t^f) + c\, \mathrm{CE}(\hat r, r_t) + \mathrm{CE}(\hat e, e_t)

    with the distance d the cross-entropy of one-hot fields and the mean squared error per number of real-valued ones,
    r the reward that arrived on the scale 0 … 1 of the world's rewards, to which it is clipped, and e whether the
    episode terminated; a step whose reward was lost does not ask for it. It acts uniformly at random in the world
    itself, and is rewarded: its steps are environment steps. It also remembers how episodes began.

    Args:
      updates_per_rollout: of the model, each on as many whole streams as there are in a rollout, from a replay ring.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      initial_observations: those of so many episodes are remembered.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners for the learner's own behaviour. The network is that of the model, see
      :class:`regimax.envs.LearnedModel`; its parameters are the part ``model``, beside the part
      ``initial_observations``. Settings: `learning_rate`, `max_grad_norm`, `shuffle` (the sham: what followed other
      streams' actions at the same time) and `reward_coef`. Metrics: ``loss``, ``next_<field>_bits`` or
      ``next_<field>_error``, ``reward_bits`` and ``termination_bits`` (cross-entropies, bits per step),
      ``next_accuracy`` (steps after which the likeliest value of every one-hot field is the right one), those of
      :func:`regimax.rollout.received`; evaluated (``eval_…``) on fresh experience.

    Raises:
      UserError: for a number that is not a whole one above 0, and once the source is known, where it is not the
        learner's own behaviour, or for a capacity that does not fit it.

    Reference:
      Sutton, Dyna, an integrated architecture for learning, planning, and reacting (1991).
    """
    updates_per_rollout = check_streams("world_model", updates_per_rollout, "updates_per_rollout")
    initial_observations = check_streams("world_model", initial_observations, "initial_observations")

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        del episodes
        base.check_own_behaviour("world_model", source)
        world = source.world
        learned_world, model = LearnedModel(world, network, initial_observations), dynamics(network, world)
        remembers = bool(jax.tree.leaves(jax.eval_shape(lambda: model.carry(1))))

        def apply(params: Params, carry: PyTree, x: Array, first: Array, code: Code | None) -> tuple:
            return model.apply(params["model"], carry, x, first, code)

        net = model._replace(init=learned_world.parts, apply=apply)
        modelling = task(
            what_follows(source, model),
            net,
            source,
            optimizer=optimizer,
            freeze=(*freeze, "initial_observations"),
            targets=TARGETS,
            replay=True,
            capacity=capacity,
            updates=updates_per_rollout,
            show=lambda trajectory: trajectory._replace(extras={}),
        )

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            """Uniformly random; its memory is the model's."""
            del hparams
            legal = world.legal(hidden).astype(jnp.float32)[None]

            def act(carry: PyTree, obs: Array, first: Array, u: Array) -> tuple[PyTree, Array, dict[str, Array]]:
                action = draw_action(legal, u)
                if remembers:
                    x = jnp.concatenate([obs, jax.nn.one_hot(action, world.num_actions)], axis=-1)
                    carry, _, _ = net.apply(params, carry, x[None], first[None], None)
                return carry, action, {}

            return Policy(model.carry, act, lambda carry, obs: jnp.zeros(obs.shape[0]))

        rollouts = base.rollouts(source, policy)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(net, source)(keys, hparams, inherited)
            return state._replace(memory=modelling.init(state, hparams, rollouts))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            key_next, key_fit = jax.random.split(key)
            source_state, trajectory = rollouts(key_next, state.params, state.source, hparams)
            held = modelling.store(state.memory, trajectory)
            obs, first = trajectory.obs_tm1.reshape(-1, source.num_inputs), trajectory.first_tm1.reshape(-1)
            bank = remember(InitialObservations(**state.params["initial_observations"]), obs, first)
            params = state.params | {"initial_observations": bank._asdict()}
            params, held, metrics = modelling.fit(key_fit, params, held, hparams)
            return LearnerState(params, source_state, held), metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            _, trajectory = rollouts(key, state.params, state.source, hparams)
            return modelling.evaluate(key, state.params, state.memory, trajectory, hparams)

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            network=net,
            source=source,
            settings=modelling.settings,
            spec=("world_model", initial_observations, modelling.spec, source.spec),
        )

    return factory
