"""A model of the outcome, learnt from the outcomes that were delivered, which rewards every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

import jax
import jax.numpy as jnp
import optax

from regimax import prng, rollout
from regimax.channels import Signal, reward
from regimax.envs.base import discrete_actions
from regimax.errors import UserError
from regimax.factories import once
from regimax.learners import base
from regimax.learners._actor_critic import reinforcement
from regimax.learners.auxiliary import GRADIENTS, auxiliary
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.batch import Batch, Objective
from regimax.learners.options import ActorCritic
from regimax.learners.shaping import delivered, later_rewards, send_potential, send_rewards, shares
from regimax.learners.tasks import bare, last_obs_t
from regimax.networks import Network, NetworkFactory
from regimax.ops.losses import weighted_mean
from regimax.prng import Keys
from regimax.sources import Source
from regimax.types import PREDICTION, Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, count

FORMS = ("shaping", "direct")
EXPECTS = ("outcome", "sum", "reward")
LEVELS = 8
"""Of the learned reward, when nobody says: three bits."""

WEIGHT = Setting(
    "model.weight", 1.0, 0, 1e6, "weight of the learned reward, or potential, against the one that arrives"
)
HORIZON = Setting("horizon", 0, 0, 2**10, "steps from what is done to the reward that is expected of it", integer=True)


class Note(NamedTuple):
    """What is kept of the learned reward.

    Attributes:
      held: the potential of each stream where it stands, `[E]` reward units; or the state of its channel, leaves `[E]`.
      bits: `[]` entropy of the learned reward that arrived, bits per step.
    """

    held: PyTree
    bits: Array


@once
def reward_model(
    form: str = "shaping",
    gradients: str = "stopped",
    updates_per_rollout: int = 1,
    capacity: int | None = None,
    model_optimizer: Optimizer = base.adam,
    expects: str = "outcome",
    paid_only: bool = False,
    **options: Unpack[ActorCritic],
) -> LearnerFactory:
    r"""Makes an actor-critic that also learns what outcome to expect, and rewards itself for it at every step.

    The model is a logistic regression on the trunk's features along an episode, learnt from what was delivered. Three
    things may be expected of a step: the ``outcome`` of its episode, whatever else was done in it, as a Monte-Carlo
    critic does; its share of that outcome, whose mean over the episode is the outcome, ``sum``, as return decomposition
    does; or the ``reward`` that arrives so many steps later, the setting `horizon`. What it says goes through a reward
    channel ``model`` of its own: few levels, and nothing on a fraction of steps (`erasure`). With the potential
    :math:`\Phi(s_t)`, the outcome expected of what was seen so far, the reward is

    .. math:: r'_t = r_t + w (\gamma \Phi(s_t) - \Phi(s_{t-1}))

    where a termination has the potential zero. Levels are those of the potential, and where nothing arrives the last
    one is held, so that the return of an episode changes by :math:`-w \Phi(s_0)` alone, whatever is lost, and no
    optimum moves. The direct reward :math:`r'_t = r_t + w Q(s_{t-1}, a_{t-1})`, of the outcome expected after an
    action, promises nothing of the kind; where it is lost nothing is added. Of a step whose own reward was lost the TD
    error counts as zero, whatever the learner adds: the shaping goes with the values that it shifts, so that still no
    optimum moves.

    It adds credit, never evidence: only what is delivered counts as bits of outcome and reward.

    Args:
      form: ``shaping``, by potentials, or ``direct``.
      gradients: ``stopped``: the model reads features and does not train them; or ``shared``. Static.
      updates_per_rollout: of the model, per update of reinforcement, each on as many whole streams as there are in a
        rollout, from a replay ring. Static.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      model_optimizer: makes its optax transformation from its own `learning_rate` and `max_grad_norm`.
      expects: ``outcome``, ``sum`` or ``reward``; the last two with the form ``direct`` alone. An episode whose
        beginning or end lies outside of a rollout teaches no ``sum``, and a step whose later reward lies outside of
        its episode or of the rollout no ``reward``.
      paid_only: whether the ring keeps those streams alone in which some outcome, or with ``reward`` the reward at some
        episode's end, arrived: where most are lost, nearly every draw from a ring of all that was seen teaches nothing.
      **options: as for :func:`regimax.learners.actor_critic`.

    Returns:
      a factory of learners for the learner's own behaviour, recorded with its ``outcome``, which a later ``reward``
      needs not. Settings: those of the actor-critic, and with the prefix ``model.`` `learning_rate`, `max_grad_norm`,
      `weight`, `shuffle` (the sham: outcomes, or rewards, of other episodes), `horizon` where a later reward is
      expected, and those of its channel: `levels`, `noise`, `erasure`, `flip` and, of direct rewards, `rate`. Metrics:
      those of the actor-critic, ``model_loss`` (nats), ``model_outcome_bits`` (cross-entropy, bits per step whose
      outcome, or reward, is known), ``model_outcome_spread`` (standard deviation of what is expected, on the scale
      0 … 1 of the world's rewards), ``model_bits_bound`` (entropy of the learned reward, or of the potential, that
      arrived, bits per step); evaluated: ``eval_outcome_bits``, ``eval_outcome_spread``.

    Raises:
      UserError: for another `form`, `gradients`, `expects` or `updates_per_rollout`, for potentials of anything but
        outcomes, and once the source is known, where it does not record outcomes, for a capacity that does not fit it,
        or shaping in a world that truncates episodes.

    Reference:
      Ng, Harada and Russell, Policy invariance under reward transformations (1999), theorem 1; for potentials that
      change while learning, Devlin and Kudenko, Dynamic potential-based reward shaping (2012). Shares: Ren et al.,
      Learning long-term reward redistribution via randomized return decomposition (2022), without the sampling.

    Example:
      >>> import regimax as rx
      >>> phase = rx.regimes.reinforce(50, learner=reward_model(), record=["outcome"])
      >>> "rl.model.levels" in rx.make_train(rx.regimes.Regime("mine", (phase,)), rx.envs.Cipher()).default_hparams
      True
    """
    if form not in FORMS:
        raise UserError(f"form = {form!r} is neither 'shaping' nor 'direct'")
    if gradients not in GRADIENTS:
        raise UserError(f"gradients = {gradients!r} is neither 'shared' nor 'stopped'")
    if expects not in EXPECTS:
        raise UserError(f"expects = {expects!r} is none of 'outcome', 'sum' and 'reward'")
    if form == "shaping" and expects != "outcome":
        raise UserError(f"expects = {expects!r} is no potential: only 'outcome' is; or form='direct'")
    updates_per_rollout = count(updates_per_rollout, "reward_model: updates_per_rollout")
    direct = form == "direct"
    reinforce = reinforcement(**options)

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        low, high = world.reward_range
        if expects != "reward" and "outcome" not in source.record:
            raise UserError('reward_model: its source does not record outcomes; give it record=["outcome"]')
        if world.truncates and not direct:
            raise UserError(
                f"reward_model: {world.name} truncates episodes (time limit), where no potential is zero: form='direct'"
            )
        channel = reward(low, high, name="model")
        # A potential is sent at every step: adding up what waits is for rewards.
        sent = [s for s in channel.settings if direct or s.name != "model.rate"]
        sent = [s._replace(default=LEVELS) if s.name == "model.levels" else s for s in sent]

        def paid(trajectory: Trajectory) -> Array:
            ends = (trajectory.discount_t == 0) | (trajectory.truncated_t > 0)  # before them often nothing is due
            arrived = ends * trajectory.known_t if expects == "reward" else trajectory.extras["outcome_present"]
            return jnp.any(arrived > 0, axis=0)

        def logits(net: Network, params: Params, trajectory: Trajectory, hparams: HParams) -> Array:
            """`[T, E]`."""
            code = source.code(hparams)
            _, outputs, _ = net.apply(params, trajectory.carry, trajectory.obs_tm1, trajectory.first_tm1, code)
            if direct:
                return jnp.sum(outputs["outcome"] * jax.nn.one_hot(trajectory.a_tm1, world.num_actions), axis=-1)
            return outputs["outcome"][..., 0]

        def loss(batch: Batch) -> tuple[Array, Metrics]:
            expected = logits(batch.network, batch.params, batch.trajectory, batch.hparams)
            compared, target, known = expected, batch.targets.r_t, batch.targets.mask_tm1  # of others, in a sham
            if expects == "reward":
                target, known = later_rewards(world, batch.trajectory, batch.targets, batch.hparams["horizon"])
            if expects == "sum":
                compared, known = shares(expected, batch.trajectory, known)
            distance = optax.sigmoid_binary_cross_entropy(compared, target)
            total = weighted_mean(distance, known)
            return total, {"outcome_bits": total / jnp.log(2.0), "outcome_spread": jax.nn.sigmoid(expected).std()}

        both = auxiliary(
            "model",
            Objective(
                {"outcome": discrete_actions(world, "reward_model") if direct else 1},
                loss,
                PREDICTION,
                ("outcome", form) if expects == "outcome" else ("outcome", form, expects),
                settings=(HORIZON,) if expects == "reward" else (),
            ),
            reinforce,
            network,
            source,
            freeze,
            episodes,
            optimizer=model_optimizer,
            show=lambda trajectory: last_obs_t(
                bare(trajectory) if expects == "reward" else delivered(world, trajectory)
            ),
            updates=updates_per_rollout,
            capacity=capacity,
            trains=(True, gradients == "shared"),
            keep=paid if paid_only else None,
            targets=("r_t", "known_t") if expects == "reward" else ("r_t", "mask_tm1"),
        )

        def bits(arrived: Signal) -> Array:
            return rollout.reward_information_bound(
                rollout.reward_histogram(world, arrived.value, arrived.present), arrived.present.size
            )

        def intrinsic_reward(
            key: Array, params: Params, note: Note, trajectory: Trajectory, carry: PyTree, hparams: HParams
        ) -> tuple[Array, Note]:
            net = both.task.network
            expected = logits(net, params, trajectory, hparams)
            if not direct:
                after = trajectory._replace(
                    carry=carry, obs_tm1=trajectory.obs_t[-1:], first_tm1=jnp.zeros_like(trajectory.first_tm1[:1])
                )
                expected = jnp.concatenate([expected, logits(net, params, after, hparams)])
            send = send_rewards if direct else send_potential
            outcome = low + (high - low) * jax.nn.sigmoid(expected)
            extra, arrived, held = send(key, channel, outcome, trajectory, note.held, hparams)
            return hparams["model.weight"] * extra, Note(held, bits(arrived))

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = both.init(keys, hparams, inherited)
            empty = channel.init(hparams, jnp.zeros(())) if direct else jnp.zeros(())
            held = jax.tree.map(lambda x: jnp.broadcast_to(x, (source.num_envs, *x.shape)), empty)
            return state._replace(memory=state.memory._replace(note=Note(held, jnp.zeros(()))))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            params, note, key_reward = both.task.taken(state.params), state.memory.note, prng.named(key, "pay")
            new, metrics = both.reinforce(
                key,
                state,
                hparams,
                lambda trajectory, carry: intrinsic_reward(key_reward, params, note, trajectory, carry, hparams),
            )
            new, learned = both.fit(prng.named(key, "model"), new, hparams)
            return new, metrics | learned | {"model_bits_bound": new.memory.note.bits}

        return Learner(
            init=init,
            update=update,
            evaluate=both.evaluate,
            policy=both.policy,
            network=both.network,
            source=source,
            settings=(*both.settings, WEIGHT, *sent),
            spec=("reward_model", form, channel.spec, both.spec),
        )

    return factory
