"""PPO as one plain program, `jit(vmap(train))`, in the manner of PureJaxRL.

Written anew after the published design: a scan over updates, in it a scan over steps of worlds that reset themselves,
then epochs of minibatches from a fresh permutation each. Keys are split at every step, as is usual. JAX as it comes:
one device, no flags. Two things are kinder to it than the original: what is logged is reduced within each update, and
the value loss is not clipped, as in regimax. As there, an episode that is cut short counts as terminated.

Prints one line of JSON: seconds of compiling, agent-steps per second of every repetition with median and worst, mean
return of the episodes that ended during training, and with --evaluations a learning curve on fresh episodes.

Command: python benchmarks/plain_ppo.py --world CartPole-v1 --agents 64 --updates 50 [--trunk shared]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnax
import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax.training.train_state import TrainState
from gymnax.wrappers import FlattenObservationWrapper, LogWrapper
from task import PPO, SETTINGS, parser, point, say, speed, timed

TRUNKS = ("separate", "shared")


class ActorCritic(nn.Module):
    """Policy and value on trunks of two tanh layers, one each, or both on one."""

    num_actions: int
    hidden: int
    shared: bool

    @nn.compact
    def __call__(self, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        def dense(size: int, gain: float) -> nn.Dense:
            return nn.Dense(size, kernel_init=nn.initializers.orthogonal(gain))

        def trunk(x: jax.Array) -> jax.Array:
            for _ in range(2):
                x = nn.tanh(dense(self.hidden, 2**0.5)(x))
            return x

        seen = trunk(obs)
        valued = seen if self.shared else trunk(obs)
        return dense(self.num_actions, 0.01)(seen), dense(1, 1.0)(valued)[..., 0]


class Transition(NamedTuple):
    """A step of every world, leaves `[E, ...]`; stacked `[T, E, ...]`."""

    obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    done: jax.Array


class Runner(NamedTuple):
    """What carries on from update to update."""

    learned: TrainState
    worlds: Any
    obs: jax.Array
    key: jax.Array


class Agent(NamedTuple):
    """The functions of one agent.

    Attributes:
      draw: `keys [N] -> variables`, the networks that N agents begin with, leaves `[N, ...]`; not to be jitted.
      begin: `(key, variables) -> Runner`.
      update: `Runner -> (Runner, metrics)`: a rollout, then epochs of minibatches.
      evaluate: `(params, key, episodes) -> []`, mean return of fresh episodes with drawn actions.
    """

    draw: Any
    begin: Any
    update: Any
    evaluate: Any


def advantages(steps: Transition, last_value: jax.Array, discount: float, lambda_: float) -> jax.Array:
    """Returns generalised advantages `[T, E]`; nothing is bootstrapped across the end of an episode."""

    def back(carry: tuple[jax.Array, jax.Array], step: Transition) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        advantage, next_value = carry
        going_on = 1.0 - step.done
        delta = step.reward + discount * going_on * next_value - step.value
        advantage = delta + discount * lambda_ * going_on * advantage
        return (advantage, step.value), advantage

    start = (jnp.zeros_like(last_value), last_value)
    return jax.lax.scan(back, start, steps, reverse=True, unroll=16)[1]


def make_agent(world: str, shared: bool, ppo: PPO = SETTINGS) -> Agent:
    """Makes an agent in a world of gymnax."""
    bare, params = gymnax.make(world)
    env = LogWrapper(FlattenObservationWrapper(bare))
    net = ActorCritic(env.action_space(params).n, ppo.hidden, shared)
    num_inputs = bare.observation_space(params).shape
    optimizer = optax.chain(
        optax.clip_by_global_norm(ppo.max_grad_norm), optax.adam(ppo.learning_rate, eps=ppo.adam_eps)
    )
    reset = jax.vmap(env.reset, in_axes=(0, None))
    step_worlds = jax.vmap(env.step, in_axes=(0, 0, 0, None))

    def draw(keys: jax.Array) -> Any:
        # One agent after the other: batched orthogonal factorisations in one program wait for each other for ever where
        # XLA's pool has but two threads. It is not timed.
        init = jax.jit(lambda key: net.init(key, jnp.zeros(num_inputs).reshape(-1)))
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(init(key) for key in keys))

    def begin(key: jax.Array, variables: Any) -> Runner:
        key, key_reset = jax.random.split(key)
        learned = TrainState.create(apply_fn=net.apply, params=variables, tx=optimizer)
        obs, worlds = reset(jax.random.split(key_reset, ppo.num_envs), params)
        return Runner(learned, worlds, obs, key)

    def act(runner: Runner, _: None) -> tuple[Runner, tuple[Transition, jax.Array, jax.Array]]:
        learned, worlds, obs, key = runner
        key, key_act, key_step = jax.random.split(key, 3)
        logits, value = net.apply(learned.params, obs)
        action = jax.random.categorical(key_act, logits)
        log_prob = jnp.take_along_axis(jax.nn.log_softmax(logits), action[:, None], axis=-1)[:, 0]
        keys = jax.random.split(key_step, ppo.num_envs)
        after, worlds, reward, terminated, truncated, info = step_worlds(keys, worlds, action, params)
        done = (terminated | truncated).astype(jnp.float32)
        step = Transition(obs, action, log_prob, value, reward, done)
        return Runner(learned, worlds, after, key), (step, done, info["returned_episode_returns"])

    def loss(variables: Any, batch: tuple[Transition, jax.Array, jax.Array]) -> jax.Array:
        step, advantage, target = batch
        logits, value = net.apply(variables, step.obs)
        log_probs = jax.nn.log_softmax(logits)
        log_prob = jnp.take_along_axis(log_probs, step.action[:, None], axis=-1)[:, 0]
        ratio = jnp.exp(log_prob - step.log_prob)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        clipped = jnp.clip(ratio, 1.0 - ppo.clip, 1.0 + ppo.clip)
        policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
        value_loss = 0.5 * jnp.square(value - target).mean()
        entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
        return policy_loss + ppo.value_coef * value_loss - ppo.entropy_coef * entropy

    def update(runner: Runner) -> tuple[Runner, dict[str, jax.Array]]:
        runner, (steps, done, returns) = jax.lax.scan(act, runner, None, length=ppo.num_steps)
        _, last_value = net.apply(runner.learned.params, runner.obs)
        advantage = advantages(steps, last_value, ppo.discount, ppo.lambda_)
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (steps, advantage, advantage + steps.value))

        def minibatch(learned: TrainState, batch: Any) -> tuple[TrainState, jax.Array]:
            value, grads = jax.value_and_grad(loss)(learned.params, batch)
            return learned.apply_gradients(grads=grads), value

        def epoch(carry: tuple[TrainState, jax.Array], _: None) -> tuple[tuple[TrainState, jax.Array], jax.Array]:
            learned, key = carry
            key, key_shuffle = jax.random.split(key)
            order = jax.random.permutation(key_shuffle, ppo.steps_per_update)
            shuffled = jax.tree.map(lambda x: x[order].reshape(ppo.num_minibatches, -1, *x.shape[1:]), flat)
            learned, losses = jax.lax.scan(minibatch, learned, shuffled)
            return (learned, key), losses

        start = (runner.learned, runner.key)
        (learned, key), losses = jax.lax.scan(epoch, start, None, length=ppo.num_epochs)
        metrics = {"loss": losses.mean(), "episodes": done.sum(), "returns": (done * returns).sum()}
        return runner._replace(learned=learned, key=key), metrics

    def evaluate(variables: Any, key: jax.Array, episodes: int) -> jax.Array:
        key, key_reset = jax.random.split(key)
        obs, worlds = reset(jax.random.split(key_reset, episodes), params)

        def step(carry: tuple, key: jax.Array) -> tuple[tuple, None]:
            obs, worlds, running, total = carry
            key_act, key_step = jax.random.split(key)
            action = jax.random.categorical(key_act, net.apply(variables, obs)[0])
            keys = jax.random.split(key_step, episodes)
            obs, worlds, reward, terminated, truncated, _ = step_worlds(keys, worlds, action, params)
            total = total + running * reward
            return (obs, worlds, running * (1.0 - (terminated | truncated)), total), None

        start = (obs, worlds, jnp.ones(episodes), jnp.zeros(episodes))
        keys = jax.random.split(key, params.max_steps_in_episode)
        (_, _, _, total), _ = jax.lax.scan(step, start, keys)
        return total.mean()

    return Agent(draw, begin, update, evaluate)


def train_speed(agent: Agent, agents: int, updates: int, repetitions: int, seed: int) -> dict[str, Any]:
    """Compiles once, then trains anew in every repetition."""

    def train(key: jax.Array, variables: Any) -> tuple[Any, dict[str, jax.Array]]:
        runner, metrics = jax.lax.scan(lambda r, _: agent.update(r), agent.begin(key, variables), None, length=updates)
        return runner.learned.params, metrics

    keys = jax.random.split(jax.random.key(seed), agents)
    start = (keys, agent.draw(keys))
    compiling, program = timed(lambda: jax.jit(jax.vmap(train)).lower(*start).compile())
    seconds = []
    _, metrics = jax.block_until_ready(program(*start))  # a first run, to warm up
    for repetition in range(1, repetitions + 1):
        keys = jax.random.split(jax.random.key(seed + repetition), agents)
        start = jax.block_until_ready((keys, agent.draw(keys)))
        spent, (_, metrics) = timed(lambda start=start: jax.block_until_ready(program(*start)))
        seconds.append(spent)
    ended = jax.tree.map(lambda x: x.sum(0), metrics)
    curve = [
        {"steps": (i + 1) * SETTINGS.steps_per_update, "return": float(total / episodes)}
        for i, (total, episodes) in enumerate(zip(ended["returns"], ended["episodes"], strict=True))
        if episodes > 0
    ]
    return {"compiling": compiling.seconds} | speed(agents, updates, seconds) | {"training_curve": curve}


def learning_curve(
    agent: Agent, agents: int, updates: int, evaluations: int, episodes: int, seed: int
) -> list[dict[str, Any]]:
    """Trains, and evaluates on fresh episodes at equal distances; `evaluations` divides `updates`."""
    every = updates // evaluations
    keys = jax.random.split(jax.random.key(seed), agents)
    advance = jax.jit(jax.vmap(lambda r: jax.lax.scan(lambda r, _: (agent.update(r)[0], None), r, None, every)[0]))
    evaluate = jax.jit(jax.vmap(lambda params, key: agent.evaluate(params, key, episodes)))
    runner = jax.jit(jax.vmap(agent.begin))(keys, agent.draw(keys))
    curve = []
    for i in range(evaluations + 1):
        fresh = jax.random.split(jax.random.key(10_000 + i), agents)
        curve.append(point(i * every, evaluate(runner.learned.params, fresh).tolist()))
        if i < evaluations:
            runner = advance(runner)
    return curve


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--trunk", choices=TRUNKS, default="separate", help="of policy and value")
    given = flags.parse_args()
    agent = make_agent(given.world, given.trunk == "shared")
    result: dict[str, Any] = {"trunk": given.trunk}
    if given.repetitions:
        result |= train_speed(agent, given.agents, given.updates, given.repetitions, given.seed)
    if given.evaluations:
        result["curve"] = learning_curve(
            agent, given.agents, given.updates, given.evaluations, given.episodes, given.seed
        )
    device = jax.devices()[0]
    result["device"] = f"{jax.device_count()} × {device.device_kind}"
    say(given, ("jax", "jaxlib", "flax", "optax", "gymnax"), result)


if __name__ == "__main__":
    main()
