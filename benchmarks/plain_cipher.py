"""Policy gradient with a GRU on the Cipher as one plain program: what a researcher would write for this one task.

The work of the workload ``cipher-rl``: 64 streams of 4 answers an update, generalised advantages, one clipped step of
Adam over whole episodes; after 10 updates an evaluation of 16 fresh episodes. Sizes are fixed, nothing is padded,
nothing is throttled and nothing is measured but loss and success. Keys are split at every step, as is usual. JAX as it
comes: one device, no flags. `compile.py` compiles it beside regimax.

Command: python benchmarks/plain_cipher.py [--agents 8] [--updates 300]
"""

from __future__ import annotations

import argparse
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

V, K, L, UNITS = 6, 4, 4, 64
STREAMS, EPISODES, EVERY = 64, 16, 10
LAMBDA, VALUE_COEF, ENTROPY_COEF = 0.95, 0.5, 0.01


class Network(nn.Module):
    """A GRU over embedded observations, with policy and value. Episodes are as long as the sequences."""

    @nn.compact
    def __call__(self, carry: jax.Array, obs: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        carry, y = nn.GRUCell(UNITS)(carry, nn.relu(nn.Dense(UNITS)(obs)))
        return carry, (nn.Dense(V, kernel_init=nn.initializers.orthogonal(0.01))(y), nn.Dense(1)(y)[..., 0])


class Step(NamedTuple):
    """A step of every stream, leaves `[E, ...]`; stacked `[L, E, ...]`."""

    obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array


class Agent(NamedTuple):
    """One agent in its own world.

    Attributes:
      hidden: `[K, V]` answers of a cue to a symbol.
      params: the network's.
      opt_state: the optimiser's.
      key: for all that is left to chance.
    """

    hidden: jax.Array
    params: Any
    opt_state: Any
    key: jax.Array


net = Network()
optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3, eps=1e-5))


def observe(cue: jax.Array, x: jax.Array, last: jax.Array, t: jax.Array) -> jax.Array:
    """Returns what a stream shows: the cue at first, the symbol, and the last answer."""
    shown = jnp.where(t == 0, jax.nn.one_hot(cue, K), jnp.zeros((*cue.shape, K)))
    return jnp.concatenate([shown, jax.nn.one_hot(x, V), jax.nn.one_hot(last, V), jnp.full((*cue.shape, 1), t / L)], -1)


def begin(key: jax.Array) -> Agent:
    """Draws a world and a network."""
    key, key_skills, key_cues, key_net = jax.random.split(key, 4)
    skills = jax.vmap(lambda k: jax.random.permutation(k, V))(jax.random.split(key_skills, K))
    hidden = skills[jax.random.permutation(key_cues, K)]
    params = net.init(key_net, jnp.zeros(UNITS), jnp.zeros(K + 2 * V + 1))
    return Agent(hidden, params, optimizer.init(params), key)


def play(agent: Agent, key: jax.Array, streams: int) -> tuple[Step, jax.Array]:
    """Plays an episode on every stream. Returns the steps, and whether each was right to the end."""
    key_cue, key_x, key_act = jax.random.split(key, 3)
    cue = jax.random.randint(key_cue, (streams,), 0, K)
    xs = jax.random.randint(key_x, (L, streams), 0, V)

    def step(carry: tuple, x: tuple) -> tuple[tuple, Step]:
        memory, last, right = carry
        t, symbol, key = x
        obs = observe(cue, symbol, last, t)
        memory, (logits, value) = net.apply(agent.params, memory, obs)
        action = jax.random.categorical(key, logits)
        log_prob = jnp.take_along_axis(jax.nn.log_softmax(logits), action[:, None], axis=-1)[:, 0]
        right = right * (action == agent.hidden[cue, symbol])
        reward = jnp.where(t == L - 1, right, 0.0)
        return (memory, action, right), Step(obs, action, log_prob, value, reward)

    start = (jnp.zeros((streams, UNITS)), jnp.zeros(streams, jnp.int32), jnp.ones(streams))
    (_, _, right), steps = jax.lax.scan(step, start, (jnp.arange(L), xs, jax.random.split(key_act, L)))
    return steps, right


def advantages(steps: Step) -> jax.Array:
    """Returns generalised advantages `[L, E]` of whole episodes."""

    def back(carry: tuple, step: Step) -> tuple[tuple, jax.Array]:
        advantage, next_value = carry
        advantage = step.reward + next_value - step.value + LAMBDA * advantage
        return (advantage, step.value), advantage

    nothing = jnp.zeros(steps.value.shape[1])
    return jax.lax.scan(back, (nothing, nothing), steps, reverse=True)[1]


def update(agent: Agent) -> tuple[Agent, dict[str, jax.Array]]:
    """An update of reinforcement learning."""
    key, key_play = jax.random.split(agent.key)
    steps, right = play(agent, key_play, STREAMS)
    advantage = advantages(steps)
    target, scaled = advantage + steps.value, (advantage - advantage.mean()) / (advantage.std() + 1e-8)

    def loss(params: Any) -> jax.Array:
        _, (logits, value) = jax.lax.scan(lambda c, x: net.apply(params, c, x), jnp.zeros((STREAMS, UNITS)), steps.obs)
        log_probs = jax.nn.log_softmax(logits)
        ratio = jnp.exp(jnp.take_along_axis(log_probs, steps.action[..., None], axis=-1)[..., 0] - steps.log_prob)
        policy = -jnp.minimum(ratio * scaled, jnp.clip(ratio, 0.8, 1.2) * scaled).mean()
        entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
        return policy + VALUE_COEF * 0.5 * jnp.square(value - target).mean() - ENTROPY_COEF * entropy

    value, grads = jax.value_and_grad(loss)(agent.params)
    updates, opt_state = optimizer.update(grads, agent.opt_state)
    params = optax.apply_updates(agent.params, updates)
    return Agent(agent.hidden, params, opt_state, key), {"loss": value, "train_success": right.mean()}


def tick(agent: Agent) -> tuple[Agent, dict[str, jax.Array]]:
    """Updates `EVERY` times, then evaluates."""
    agent, metrics = jax.lax.scan(lambda a, _: update(a), agent, None, length=EVERY)
    key, key_play = jax.random.split(agent.key)
    _, right = play(agent, key_play, EPISODES)
    return agent._replace(key=key), jax.tree.map(jnp.mean, metrics) | {"success": right.mean()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--updates", type=int, default=300)
    given = parser.parse_args()
    agents = jax.jit(jax.vmap(begin))(jax.random.split(jax.random.key(0), given.agents))
    advance, success = jax.jit(jax.vmap(tick)), 0.0
    for _ in range(given.updates // EVERY):
        agents, metrics = advance(agents)
        success = float(metrics["success"].mean())
    print(json.dumps({"agents": given.agents, "updates": given.updates, "success": success}))


if __name__ == "__main__":
    main()
