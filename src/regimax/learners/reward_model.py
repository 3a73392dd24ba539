"""Reinforcement learning with a learned model of the outcome that pays for every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from regimax import prng, rollout
from regimax.channels import Channel, Signal, reward
from regimax.errors import UserError
from regimax.learners import base
from regimax.learners.actor_critic import reinforcement
from regimax.learners.base import Learner, LearnerFactory, LearnerState, Optimizer
from regimax.learners.beside import beside
from regimax.learners.objectives import Question
from regimax.learners.prediction import SETTINGS
from regimax.networks import Network, NetworkFactory
from regimax.ops import returns
from regimax.ops.losses import weighted_mean
from regimax.prng import Keys
from regimax.sources import Source
from regimax.types import Array, HParams, Metrics, Params, PyTree, Setting, Trajectory, count

KINDS = ("potential", "direct")
LEVELS = 8
"""Of the learned pay, when nobody says: three bits."""

WEIGHT = Setting("weight", 1.0, 0, 1e6, "weight of the learned pay, or potential, against the pay that arrives")


class Note(NamedTuple):
    """What is kept of the learned pay.

    Attributes:
      held: the potential of each stream where it stands, `[E]` reward units; or the state of its channel, leaves `[E]`.
      bits: `[]` entropy of the learned pay that arrived, bits per step.
    """

    held: PyTree
    bits: Array


def delivered(world: Any, lived: Trajectory) -> Trajectory:
    """Returns a rollout whose every step is marked with the outcome of its episode, as far as that was delivered.

    Args:
      world: the world.
      lived: `[T, E, ...]`, with the extras ``outcome`` and ``outcome_present``.

    Returns:
      the trajectory with r_t `[T, E]`, the outcome on the scale 0 … 1 of the world's rewards, clipped to it, and
      mask_tm1 `[T, E]`, 1 where it is known. It is not for episodes whose outcome was lost, or that end after the
      rollout.
    """
    low, high = world.reward_range
    last = (lived.discount_t == 0) | (lived.truncated_t > 0)

    def back(later: tuple[Array, Array], x: tuple[Array, Array, Array]) -> tuple[tuple, tuple]:
        last, outcome, present = x
        known = jnp.where(last, outcome, later[0]), jnp.where(last, present, later[1])
        return known, known

    nothing = jnp.zeros_like(lived.r_t[0])
    rows = (last, lived.extras["outcome"], lived.extras["outcome_present"])
    _, (outcome, present) = jax.lax.scan(back, (nothing, nothing), rows, reverse=True)
    scaled = jnp.clip((outcome - low) / (high - low), 0.0, 1.0)
    return lived._replace(r_t=scaled, mask_tm1=lived.mask_tm1 * present, extras={})


def hold(potential: Array, present: Array, opens: Array, held: Array) -> Array:
    """Returns potentials as they are known: the last that arrived in the episode, and zero before the first.

    Args:
      potential: `[N, E]` what was sent, reward units.
      present: `[N, E]` 1 where it arrived.
      opens: `[N, E]` 1 where an episode opens.
      held: `[E]` what was known before.

    Returns:
      `[N, E]`.
    """

    def step(held: Array, x: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        potential, present, opens = x
        held = jnp.where(present > 0, potential, jnp.where(opens > 0, 0.0, held))
        return held, held

    return jax.lax.scan(step, held, (potential, present, opens))[1]


def send_potential(
    key: Array, channel: Channel, potential: Array, trajectory: Trajectory, held: Array, settings: HParams
) -> tuple[Array, Signal, Array]:
    """Sends the potential of every state through a reward channel, and returns the pay that comes of it.

    Args:
      key: for what is left to chance.
      channel: a reward channel named ``model``.
      potential: `[T + 1, E]` reward units: before every step of the trajectory, and after the last.
      trajectory: `[T, E, ...]`.
      held: `[E]` the potential that the rollout before ended with.
      settings: of the channel, whose rate is 1, and `discount`.

    Returns:
      pay `[T, E]`, what arrived `[T + 1, E]`, and the potential that this rollout ends with, `[E]`.
    """
    one = jnp.ones(())
    settings = {**settings, "model.rate": one}

    def send(key: Array, value: Array) -> Signal:
        return channel.apply(key, channel.init(settings, value), Signal(value, one, one, one), settings)[1]

    arrived = jax.vmap(jax.vmap(send))(jax.random.split(key, potential.shape), potential)
    # Where the first step goes on with an episode, its potential is that which the rollout before ended with.
    arrived = arrived._replace(present=arrived.present.at[0].multiply(trajectory.first_tm1[0]))
    opens = jnp.concatenate([trajectory.first_tm1, jnp.zeros_like(held)[None]])
    known = hold(arrived.value, arrived.present, opens, held)
    shaping = jax.vmap(returns.potential_shaping, in_axes=1, out_axes=1)
    return shaping(trajectory.discount_t * settings["discount"], known[:-1], known[1:]), arrived, known[-1]


def send_pay(
    key: Array, channel: Channel, pay: Array, trajectory: Trajectory, state: PyTree, settings: HParams
) -> tuple[Array, Signal, PyTree]:
    """Sends pay for every step through a reward channel.

    Args:
      key: for what is left to chance.
      channel: a reward channel.
      pay: `[T, E]` reward units.
      trajectory: `[T, E, ...]`.
      state: the channel's, leaves `[E]`.
      settings: of the channel.

    Returns:
      the pay that arrives `[T, E]`, what arrived, and the channel's state then.
    """
    last = ((trajectory.discount_t == 0) | (trajectory.truncated_t > 0)).astype(jnp.float32)

    def send(key: Array, state: PyTree, value: Array, first: Array, last: Array) -> tuple[PyTree, Signal]:
        return channel.apply(key, state, Signal(value, jnp.ones(()), first, last), settings)

    def step(state: PyTree, x: tuple[Array, ...]) -> tuple[PyTree, Signal]:
        keys, value, first, last = x
        return jax.vmap(send)(keys, state, value, first, last)

    rows = (jax.random.split(key, pay.shape), pay, trajectory.first_tm1, last)
    state, arrived = jax.lax.scan(step, state, rows)
    return arrived.value, arrived, state


def reward_model(
    pay: str = "potential",
    gradients: str = "stopped",
    fits: int = 1,
    capacity: int | None = None,
    model_optimizer: Optimizer = base.adam,
    **options,
) -> LearnerFactory:
    r"""Makes an actor-critic that also learns what outcome to expect, and pays itself for it at every step.

    The model is a logistic regression of the outcome of an episode on the trunk's features along it, learnt from the
    outcomes that were delivered. What it says goes through a reward channel ``model`` of its own: few levels, and
    nothing on a fraction of steps (`erasure`). With the potential :math:`\Phi(s_t)`, the outcome expected of what was
    seen so far, the pay is

    .. math:: r'_t = r_t + w (\gamma \Phi(s_t) - \Phi(s_{t-1}))

    where a termination has the potential zero. Levels are those of the potential, and where nothing arrives the last
    one is held, so that the return of an episode changes by :math:`-w \Phi(s_0)` alone, whatever is lost, and no
    optimum moves. The direct pay :math:`r'_t = r_t + w Q(s_{t-1}, a_{t-1})`, of the outcome expected after an action,
    promises nothing of the kind; where it is lost nothing is added. Of a step whose own reward was lost the TD error
    counts as zero, whatever the learner pays itself: the shaping goes with the values that it shifts, so that still no
    optimum moves.

    It adds credit, never evidence: only what is delivered counts as bits of outcome and reward.

    Args:
      pay: ``potential`` or ``direct``.
      gradients: ``stopped``: the model reads features and does not train them; or ``shared``. Static.
      fits: the model's updates per update of reinforcement, each on as many whole streams as there are in a rollout,
        from a replay ring. Static.
      capacity: streams in the ring, a multiple of those of a rollout; 16 rollouts when not given.
      model_optimizer: makes its optax transformation from its own `learning_rate` and `max_grad_norm`.
      **options: as for :func:`regimax.learners.actor_critic`.

    Returns:
      a factory of learners for the learner's own behaviour, recorded with its ``outcome``. Settings: those of the
      actor-critic, and with the prefix ``model.`` `learning_rate`, `max_grad_norm`, `weight`, `shuffle` (the sham:
      outcomes of other episodes) and those of its channel: `levels`, `noise`, `erasure`, `flip` and, of direct pay,
      `rate`. Metrics: those of the actor-critic, ``model_loss`` (nats), ``model_outcome_bits`` (cross-entropy, bits per
      step whose outcome is known), ``model_outcome_spread`` (standard deviation of what is expected, on the scale 0 … 1
      of the world's rewards), ``model_bits_bound`` (entropy of the learned pay, or of the potential, that arrived, bits
      per step); evaluated: ``eval_outcome_bits``, ``eval_outcome_spread``.

    Raises:
      UserError: for another `pay`, `gradients` or `fits`, and once the source is known, where it does not record
        outcomes, for a capacity that does not fit it, or a potential in a world that cuts episodes short.

    Reference:
      Ng, Harada and Russell, Policy invariance under reward transformations (1999), theorem 1; for potentials that
      change while learning, Devlin and Kudenko, Dynamic potential-based reward shaping (2012).

    Example:
      >>> import regimax as rx
      >>> phase = rx.regimes.reinforce(50, learner=reward_model(), record=["outcome"])
      >>> "rl.model.levels" in rx.make_train(rx.regimes.Regime("mine", (phase,)), rx.envs.Cipher()).default_hparams
      True
    """
    if pay not in KINDS:
        raise UserError(f"pay = {pay!r} is neither 'potential' nor 'direct'")
    if gradients not in ("shared", "stopped"):
        raise UserError(f"gradients = {gradients!r} is neither 'shared' nor 'stopped'")
    fits = count(fits, "reward_model: fits")
    direct = pay == "direct"
    reinforce = reinforcement(**options)

    def factory(network: NetworkFactory, source: Source, freeze: Sequence[str], episodes: int) -> Learner:
        world = source.world
        low, high = world.reward_range
        if "outcome" not in source.record:
            raise UserError('reward_model: its source does not record outcomes; give it record=["outcome"]')
        if world.truncates and not direct:
            raise UserError(
                f"reward_model: {world.name} cuts episodes short, and no potential is zero there: pay='direct'"
            )
        channel = reward(low, high, name="model")
        # A potential is sent at every step: adding up what waits is for pay.
        sent = [s for s in channel.settings if direct or s.name != "model.rate"]
        sent = [s._replace(default=LEVELS) if s.name == "model.levels" else s for s in sent]

        def logits(net: Network, params: Params, trajectory: Trajectory, hparams: HParams) -> Array:
            """`[T, E]`."""
            code = base.coding(source.channels, hparams)
            _, outputs, _ = net.apply(params, trajectory.carry, trajectory.obs_tm1, trajectory.first_tm1, code)
            if direct:
                return jnp.sum(outputs["outcome"] * jax.nn.one_hot(trajectory.a_tm1, world.num_actions), axis=-1)
            return outputs["outcome"][..., 0]

        def loss(
            key: Array,
            net: Network,
            params: Params,
            memory: PyTree,
            trajectory: Trajectory,
            answers: Trajectory,
            hparams: HParams,
        ) -> tuple[Array, Metrics]:
            del key, memory
            said = logits(net, params, trajectory, hparams)
            distance = optax.sigmoid_binary_cross_entropy(said, answers.r_t)
            total = weighted_mean(distance, answers.mask_tm1)
            return total, {"outcome_bits": total / jnp.log(2.0), "outcome_spread": jax.nn.sigmoid(said).std()}

        both = beside(
            "model",
            Question(
                heads={"outcome": world.num_actions if direct else 1},
                begin=lambda params: (),
                loss=loss,
                refresh=lambda memory, params, hparams: memory,
                settings=(),
                spec=("outcome", pay),
            ),
            reinforce,
            network,
            source,
            freeze,
            episodes,
            settings=(*SETTINGS, WEIGHT, *(s._replace(name=s.name.removeprefix("model.")) for s in sent)),
            optimizer=model_optimizer,
            show=lambda lived: delivered(world, lived),
            times=fits,
            capacity=capacity,
            trains=(True, gradients == "shared"),
            names=("r_t", "mask_tm1"),
        )
        net = both.predictor

        def bits(arrived: Signal) -> Array:
            return rollout.told_by(rollout.tally(world, arrived.value, arrived.present), arrived.present.size)

        def paid(
            key: Array, params: Params, note: Note, trajectory: Trajectory, carry: PyTree, hparams: HParams
        ) -> tuple[Array, Note]:
            said = logits(net, params, trajectory, hparams)
            if not direct:
                after = trajectory._replace(
                    carry=carry, obs_tm1=trajectory.obs_t[-1:], first_tm1=jnp.zeros_like(trajectory.first_tm1[:1])
                )
                said = jnp.concatenate([said, logits(net, params, after, hparams)])
            send = send_pay if direct else send_potential
            expected = low + (high - low) * jax.nn.sigmoid(said)
            extra, arrived, held = send(key, channel, expected, trajectory, note.held, hparams)
            return hparams["model.weight"] * extra, Note(held, bits(arrived))

        def init(keys: Keys, hparams: HParams, inherited: Params) -> LearnerState:
            state = both.init(keys, hparams, inherited)
            begin = channel.init(hparams, jnp.zeros(())) if direct else jnp.zeros(())
            held = jax.tree.map(lambda x: jnp.broadcast_to(x, (source.num_envs, *x.shape)), begin)
            return state._replace(memory=state.memory._replace(note=Note(held, jnp.zeros(()))))

        def update(key: Array, state: LearnerState, hparams: HParams) -> tuple[LearnerState, Metrics]:
            params, note, key_pay = both.of_predictor(state.params), state.memory.note, prng.named(key, "pay")
            new, metrics = both.reinforce(
                key, state, hparams, lambda lived, carry: paid(key_pay, params, note, lived, carry, hparams)
            )
            new, learned = both.predict(prng.named(key, "model"), new, hparams)
            return new, metrics | learned | {"model_bits_bound": new.memory.note.bits}

        def evaluate(key: Array, state: LearnerState, hparams: HParams) -> Metrics:
            return both.parts.evaluate(key, state, hparams) | both.assess(key, state, hparams)

        return Learner(
            init=init,
            update=update,
            evaluate=evaluate,
            policy=both.parts.policy,
            network=both.network,
            source=source,
            settings=both.settings,
            spec=("reward_model", pay, channel.spec, both.spec),
        )

    return factory
