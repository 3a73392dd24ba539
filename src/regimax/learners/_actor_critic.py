"""Policy gradient with a critic: A2C with one epoch, PPO with more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from regimax import prng, rollout
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners import base
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.bonus import Bonus
from regimax.learners.distributions import actions_of
from regimax.learners.views import check_views, twice, with_views
from regimax.networks import Network, NetworkFactory
from regimax.ops import losses, returns
from regimax.prng import Keys
from regimax.rollout import Policy, RolloutState
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Spec, Trajectory, count

SETTINGS = (
    Setting("learning_rate", 1e-3, 0, 1, "Adam's step size"),
    *base.OPTIMISER_SETTINGS,
    Setting("discount", 1.0, 0, 1, "γ"),
    Setting("lambda_", 0.95, 0, 1, "λ, mixing of n-step estimates of the advantage"),
    Setting("clip", 0.2, 0, 1e6, "ε, largest rewarded change of a probability ratio", open_low=True),
    Setting("value_coef", 0.5, 0, 1e6, "weight of the critic's squared error"),
    Setting("entropy_coef", 0.01, 0, 1e6, "weight of the policy's entropy, per nat"),
)


IntrinsicReward = Callable[[Trajectory, PyTree], tuple[Array, PyTree]]
"""`(trajectory, carry) -> (reward, note)`: what a learner rewards itself with, `[T, E]`, reward units, and what it
keeps.

`carry` is the network's memory after the trajectory.
"""


class Memory(NamedTuple):
    """What is kept beside parameters.

    Attributes:
      opt_state: the optimiser's, over the parts that are not frozen.
      bonus: the memory of the bonus.
    """

    opt_state: PyTree
    bonus: PyTree


class Lesson(NamedTuple):
    """What a rollout teaches.

    Attributes:
      advantage: `[T, E]`, reward units.
      known: `[T, E]` in {0, 1}, 1 for steps of which an advantage is known; None where no channel can lose any reward.
    """

    advantage: Array
    known: Array | None


class Reinforcement(NamedTuple):
    """Learning from reward on a network that may learn other things beside.

    Attributes:
      init: as in :class:`Learner`; a policy gradient's state has a `Memory`.
      update: `(key, state, hparams, intrinsic_reward=None) -> (state, trajectory, note, metrics)`; the trajectory has
        the reward that arrived, to which an `IntrinsicReward` is added before anything is learnt from it.
      evaluate: as in :class:`Learner`.
      policy: as in :class:`Learner`.
      rollouts: of that policy on the source.
      settings: traced settings, without a prefix.
      spec: what it is.
    """

    init: Callable[[Keys, HParams, Params], LearnerState]
    update: Callable[..., tuple[LearnerState, Trajectory, PyTree, Metrics]]
    evaluate: Callable[[Array, LearnerState, HParams], Metrics]
    policy: Callable[[Params, PyTree, HParams], Policy]
    rollouts: base.Rollouts
    settings: tuple[Setting, ...]
    spec: Spec

    def alone(self, network: Network, source: Source) -> Learner:
        """Returns the learner that does nothing else."""

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            state, _, _, metrics = self.update(key, state, hparams)
            return state, metrics

        return Learner(
            init=self.init,
            update=update,
            evaluate=self.evaluate,
            policy=self.policy,
            network=network,
            source=source,
            settings=self.settings,
            spec=self.spec,
        )


class Reinforce(Protocol):
    """Puts learning from reward on a network with the heads that it needs, such as :func:`acting_network` makes."""

    def __call__(self, network: Network, source: Source, freeze: Sequence[str], episodes: int) -> Reinforcement: ...


def acting_network(network: NetworkFactory, source: Source) -> Network:
    """Makes the network of a policy gradient, with the heads that it needs."""
    return actions_of(source).network(network, source.num_inputs, {"value": 1})


@once
def actor_critic(
    num_epochs: int = 1,
    num_minibatches: int = 1,
    normalize: bool = True,
    bonus: Bonus | None = None,
    augment: bool = False,
    optimizer: Optimizer = base.adam,
) -> LearnerFactory:
    r"""Makes a learner by policy gradient, with generalised advantages and PPO's clipping.

    .. math:: \ell = -\min(\rho A, \mathrm{clip}(\rho, 1 \pm \epsilon) A) + c_v (v - G)^2 / 2 - c_h H(\pi)

    Minibatches are made of single steps where the network has no memory, and of whole streams where it has one, so that
    it trains over whole sequences. Policy and critic share a trunk: where returns are large, lower `value_coef` (to
    0.01 for returns of about a hundred), or the critic's gradient drowns the policy's.

    A reward or an outcome that was lost teaches nothing: its TD error counts as zero, see
    :func:`regimax.ops.returns.known_advantages`, and a step of which no advantage is known counts neither for the
    policy nor for the critic, nor where advantages are normalised. Both losses are means over the steps that count; the
    entropy, which no reward teaches, is one over all. So where an episode is one step, an update is that of a rollout
    of those episodes alone whose reward arrived.

    Args:
      num_epochs: passes over each rollout; 1 with one minibatch is A2C.
      num_minibatches: minibatches per pass; divides the number of steps of a rollout, or that of streams.
      normalize: whether advantages are centred and scaled to unit variance in each minibatch. Where a single step
        counts they are not: it would be zero.
      bonus: an intrinsic reward for what is new, see :func:`count_bonus`; none when not given.
      augment: whether every step counts a second time as its augmented view shows it, see
        :func:`regimax.learners.views.with_views`; the source must record ``augmented_view``.
      optimizer: makes an optax transformation from the settings.

    Returns:
      a factory of learners. Settings: `learning_rate`, `max_grad_norm`, `discount`, `lambda_`, `clip`, `value_coef`,
      `entropy_coef`, and those of the bonus. Metrics: ``loss``, ``value_loss`` (squared reward units), ``entropy``
      (nats), and of its own behaviour those of :func:`regimax.rollout.received`, without the bonus; evaluated:
      ``success``, ``return`` and ``throughput``, see `rollout.evaluate`.

    Raises:
      UserError: for fewer than one epoch or minibatch, if the rollout does not divide into the minibatches, or for
        `augment` where the source records no augmented views.

    Reference:
      Schulman et al., Proximal policy optimization algorithms (2017), eq. 7 and 9; the value loss is not clipped.
    """
    reinforce = reinforcement(num_epochs, num_minibatches, normalize, bonus, augment, optimizer)

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        net = acting_network(network, source)
        return reinforce(net, source, freeze, episodes).alone(net, source)

    return factory


def reinforcement(
    num_epochs: int = 1,
    num_minibatches: int = 1,
    normalize: bool = True,
    bonus: Bonus | None = None,
    augment: bool = False,
    optimizer: Optimizer = base.adam,
) -> Reinforce:
    """Makes the parts of :func:`actor_critic`, with its options, for learners that do something else beside.

    Raises:
      UserError: as there.
    """
    num_epochs = count(num_epochs, "actor_critic: num_epochs")
    num_minibatches = count(num_minibatches, "actor_critic: num_minibatches")

    def parts(network: Network, source: Source, freeze: Sequence[str], episodes: int) -> Reinforcement:
        world, net, actions = source.world, network, actions_of(source)
        remembers = bool(jax.tree.leaves(jax.eval_shape(lambda: net.carry(1))))
        if augment:
            check_views(source)
        num_envs = (1 + augment) * source.num_envs
        what, pieces = ("streams", num_envs) if remembers else ("steps", num_envs * source.num_steps)
        choose = _streams if remembers else _steps
        if pieces % num_minibatches:
            raise UserError(f"{pieces} {what} do not divide into {num_minibatches} minibatches")

        def init_bonus(key: Array, params: Params) -> PyTree:
            return () if bonus is None else bonus.init(key, net, source.num_inputs, params)

        jax.eval_shape(lambda key: init_bonus(key, net.init(key)), prng.abstract_keys().learner)

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = base.make_init(net, source)(keys, hparams, inherited)
            opt_state = optimizer(hparams).init(base.trainable(state.params, freeze))
            return state._replace(
                memory=Memory(opt_state, init_bonus(prng.named(keys.learner, "init", "bonus"), state.params))
            )

        def policy(params: Params, hidden: PyTree, hparams: HParams) -> Policy:
            return actions.policy(net, params, world.legal(hidden), source.code(hparams))

        rollouts = base.rollouts(source, policy)
        loses = any(channel.place in ("outcome", "reward") for channel in source.channels)

        def lesson(acting: Policy, streams: RolloutState, trajectory: Trajectory, hparams: HParams) -> Lesson:
            v_tm1 = trajectory.extras["value"]
            # Where the last step ended an episode this is the next one's opening, whose value then counts for nothing.
            v_t = jnp.concatenate([v_tm1[1:], acting.value(streams.carry, streams.obs)[None]])
            if world.truncates:
                v_t = jnp.where(trajectory.truncated_t > 0, trajectory.extras["v_final"], v_t)
            trace_t = trajectory.discount_t * (1.0 - trajectory.truncated_t)
            discount_t = trajectory.discount_t * hparams["discount"]
            rows = discount_t, trace_t, v_tm1, v_t
            if loses:
                gae = jax.vmap(returns.known_advantages, in_axes=(1, 1, 1, 1, 1, 1, None), out_axes=1)
                return Lesson(*gae(trajectory.r_t, trajectory.known_t, *rows, hparams["lambda_"]))
            gae = jax.vmap(returns.generalized_advantages, in_axes=(1, 1, 1, 1, 1, None), out_axes=1)
            return Lesson(gae(trajectory.r_t, *rows, hparams["lambda_"]), None)

        def seen_twice(
            params: Params, trajectory: Trajectory, taught: Lesson, legal: Array, hparams: HParams
        ) -> tuple[Trajectory, Lesson]:
            def log_prob(viewed: Trajectory) -> Array:
                code = source.code(hparams)
                _, outputs, _ = net.apply(params, viewed.carry, viewed.obs_tm1, viewed.first_tm1, code)
                return actions.of(outputs, legal).log_prob(viewed.a_tm1)

            return with_views(trajectory, log_prob), jax.tree.map(lambda x: twice(x, x), taught)

        def loss(
            params: Params, batch: tuple[Trajectory, Lesson], legal: Array, hparams: HParams
        ) -> tuple[Array, Metrics]:
            trajectory, (advantage, known) = batch
            target = advantage + trajectory.extras["value"]
            code = source.code(hparams)
            _, outputs, _ = net.apply(params, trajectory.carry, trajectory.obs_tm1, trajectory.first_tm1, code)
            value = outputs["value"][..., 0]
            policy_now = actions.of(outputs, legal)
            log_prob = policy_now.log_prob(trajectory.a_tm1)
            if normalize:
                advantage = _normalized(advantage, known)
            weight: Array | float = 1.0
            errors = jnp.square(value - target)
            if known is not None:
                # Of mean 1, so that means are those over what is known. It is on advantages and not on losses: where
                # all is known, nothing is rounded otherwise for it.
                weight = known * (known.size / jnp.maximum(jnp.sum(known), 1.0))
                advantage = advantage * weight
                errors = losses.weighted_squares(value - target, weight)
            surrogate = jax.vmap(jax.vmap(losses.clipped_surrogate, in_axes=(0, 0, 0, None)), in_axes=(0, 0, 0, None))
            policy_loss = surrogate(log_prob, trajectory.extras["log_prob"], advantage, hparams["clip"])
            if "decided" in trajectory.extras:  # what was not carried out has no credit
                decided = trajectory.extras["decided"]
                policy_loss = jnp.sum(policy_loss * decided) / jnp.maximum(jnp.sum(decided * weight), 1.0)
            value_loss = 0.5 * errors.mean()
            entropy = policy_now.entropy().mean()
            total = policy_loss.mean() + hparams["value_coef"] * value_loss - hparams["entropy_coef"] * entropy
            return total, {"value_loss": value_loss, "entropy": entropy}

        def update(
            key: Array, state: LearnerState, hparams: HParams, intrinsic_reward: IntrinsicReward | None = None
        ) -> tuple[LearnerState, Trajectory, PyTree, Metrics]:
            key_next, key_batches = jax.random.split(key)
            acting = policy(state.params, state.source.world, hparams)
            source_state, trajectory = rollouts(key_next, state.params, state.source, hparams)
            (opt_state, held), rewarded, note = state.memory, trajectory, ()
            if bonus is not None:
                held, extra = bonus.apply(held, net, state.params, trajectory, source.code(hparams), hparams)
                rewarded = rewarded._replace(r_t=rewarded.r_t + extra)
            if intrinsic_reward is not None:
                extra, note = intrinsic_reward(trajectory, source_state.streams.carry)
                rewarded = rewarded._replace(r_t=rewarded.r_t + extra)
            taught = lesson(acting, source_state.streams, rewarded, hparams)
            legal = world.legal(state.source.world)
            if augment:
                rewarded, taught = seen_twice(state.params, rewarded, taught, legal, hparams)

            def minibatch(carry: tuple[Params, PyTree], index: Array | None) -> tuple[tuple[Params, PyTree], Metrics]:
                batch = (rewarded, taught) if index is None else choose(index, rewarded, taught)
                params, opt_state, metrics = base.descend(
                    lambda p: loss(p, batch, legal, hparams), *carry, optimizer(hparams), freeze
                )
                return (params, opt_state), metrics

            learned = (state.params, opt_state)
            if num_epochs * num_minibatches == 1:
                learned, metrics = minibatch(learned, None)
            else:
                orders = prng.permutations(key_batches, num_epochs, pieces)
                batches = orders.reshape(num_epochs * num_minibatches, -1)
                learned, metrics = jax.lax.scan(minibatch, learned, batches)
                metrics = jax.tree.map(jnp.mean, metrics)
            params, opt_state = learned
            params = base.observe(net, params, trajectory, freeze, hparams)
            return LearnerState(params, source_state, Memory(opt_state, held)), trajectory, note, metrics

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            hidden = state.source.world
            acting = policy(state.params, hidden, hparams)
            return rollout.evaluate(key, world, hidden, source.channels, acting, episodes, hparams)

        return Reinforcement(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=policy,
            rollouts=rollouts,
            settings=(*SETTINGS, *(() if bonus is None else bonus.settings), *base.observing_settings(net)),
            spec=(
                "actor_critic",
                num_epochs,
                num_minibatches,
                normalize,
                bonus and bonus.spec,
                augment,
                base.optimizer_name(optimizer),
                net.spec,
                source.spec,
                tuple(freeze),
                episodes,
            ),
        )

    return parts


def _normalized(advantage: Array, known: Array | None) -> Array:
    """Returns advantages centred and scaled to unit variance, those that are known; a single one as it is."""
    if known is None:
        known = jnp.ones_like(advantage)
    number = jnp.sum(known)
    share = known.size / jnp.maximum(number, 1.0)  # 1 where all are known, and then these are the usual moments
    centred = advantage - jnp.sum(jnp.where(known > 0, advantage, 0.0)) * share / known.size
    variance = jnp.sum(jnp.square(jnp.where(known > 0, centred, 0.0))) * share / known.size
    return jnp.where(number > 1, centred / (jnp.sqrt(variance) + 1e-8), advantage)


def _streams(index: Array, trajectory: Trajectory, taught: Lesson) -> tuple[Trajectory, Lesson]:
    """Returns the streams `index` of a rollout."""
    carry = jax.tree.map(lambda c: c[index], trajectory.carry)
    rest, taught = jax.tree.map(lambda x: x[:, index], (trajectory._replace(carry=()), taught))
    return rest._replace(carry=carry), taught


def _steps(index: Array, trajectory: Trajectory, taught: Lesson) -> tuple[Trajectory, Lesson]:
    """Returns the steps `index` of a rollout, counted through all its streams, side by side as `[1, N]`."""

    def chosen(x: Array) -> Array:
        return x.reshape(1, -1, *x.shape[2:])[:, index]

    return jax.tree.map(chosen, (trajectory._replace(carry=()), taught))
