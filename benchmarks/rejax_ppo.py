"""PPO by rejax, unmodified: `jit(vmap(train))` over seeds, as its README shows. Runs in an environment of its own.

What it has no flag for stays as it is: each number of a gradient is clipped, not the gradient's norm, and apart for
policy and critic; Adam's ε is 1e-8; the value loss is clipped; weights begin by LeCun's rule; an episode that is cut
short counts as terminated. It has separate trunks. Its evaluation is a callback; the timed runs give it one that does
nothing.

Command: python benchmarks/rejax_ppo.py --world CartPole-v1 --agents 64 --updates 50
"""

from __future__ import annotations

from typing import Any

import jax
import rejax
from rejax.evaluate import evaluate
from task import SETTINGS, parser, point, say, speed, timed


def make_ppo(world: str, updates: int, every: int) -> Any:
    """Makes the algorithm; it evaluates after every so many updates."""
    return rejax.PPO.create(
        env=world,
        num_envs=SETTINGS.num_envs,
        num_steps=SETTINGS.num_steps,
        num_epochs=SETTINGS.num_epochs,
        num_minibatches=SETTINGS.num_minibatches,
        learning_rate=SETTINGS.learning_rate,
        max_grad_norm=SETTINGS.max_grad_norm,
        gamma=SETTINGS.discount,
        gae_lambda=SETTINGS.lambda_,
        clip_eps=SETTINGS.clip,
        vf_coef=SETTINGS.value_coef,
        ent_coef=SETTINGS.entropy_coef,
        agent_kwargs={"activation": "tanh", "hidden_layer_sizes": (SETTINGS.hidden, SETTINGS.hidden)},
        total_timesteps=updates * SETTINGS.steps_per_update,
        eval_freq=every * SETTINGS.steps_per_update,
    )


def train_speed(world: str, agents: int, updates: int, repetitions: int, seed: int) -> dict[str, Any]:
    """Compiles once, then trains anew in every repetition."""
    ppo = make_ppo(world, updates, updates)
    ppo = ppo.replace(skip_initial_evaluation=True, eval_callback=lambda algorithm, state, key: ())
    keys = jax.random.split(jax.random.key(seed), agents)
    compiling, program = timed(lambda: jax.jit(jax.vmap(ppo.train)).lower(keys).compile())
    jax.block_until_ready(program(keys))  # a first run, to warm up
    seconds = []
    for repetition in range(1, repetitions + 1):
        keys = jax.random.split(jax.random.key(seed + repetition), agents)
        seconds.append(timed(lambda keys=keys: jax.block_until_ready(program(keys)))[0])
    return {"compiling": compiling.seconds} | speed(agents, updates, seconds)


def learning_curve(
    world: str, agents: int, updates: int, evaluations: int, episodes: int, seed: int
) -> list[dict[str, Any]]:
    """Trains, and evaluates by rejax's own evaluation on so many episodes."""
    every = updates // evaluations
    ppo = make_ppo(world, updates, every)

    def callback(algorithm: Any, state: Any, key: jax.Array) -> jax.Array:
        act, params = algorithm.make_act(state), algorithm.env_params
        _, returns = evaluate(act, key, algorithm.env, params, episodes, params.max_steps_in_episode)
        return returns.mean()

    train = jax.jit(jax.vmap(ppo.replace(eval_callback=callback).train))
    _, returns = train(jax.random.split(jax.random.key(seed), agents))
    return [point(i * every, returns[:, i].tolist()) for i in range(evaluations + 1)]


def main() -> None:
    given = parser(__doc__).parse_args()
    result: dict[str, Any] = {"trunk": "separate"}
    if given.repetitions:
        result |= train_speed(given.world, given.agents, given.updates, given.repetitions, given.seed)
    if given.evaluations:
        result["curve"] = learning_curve(
            given.world, given.agents, given.updates, given.evaluations, given.episodes, given.seed
        )
    result["device"] = f"{jax.device_count()} × {jax.devices()[0].device_kind}"
    say(given, ("rejax", "jax", "jaxlib", "flax", "optax", "gymnax"), result)


if __name__ == "__main__":
    main()
