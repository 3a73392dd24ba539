"""PPO by Stable-Baselines3, agents one after the other. Runs in an environment of its own.

Its worlds are gymnasium's, four of them stepped in turn by Python; it has separate trunks, and bootstraps an episode
that is cut short. Torch has one thread unless told otherwise: several get in each other's way when other programs run.

Command: python benchmarks/sb3_ppo.py --agents 1 --updates 50
"""

from __future__ import annotations

import statistics
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from task import SETTINGS, parser, point, say, speed, timed


def make_ppo(world: str, seed: int) -> PPO:
    """Makes an agent."""
    return PPO(
        "MlpPolicy",
        make_vec_env(world, SETTINGS.num_envs, seed=seed),
        n_steps=SETTINGS.num_steps,
        batch_size=SETTINGS.steps_per_update // SETTINGS.num_minibatches,
        n_epochs=SETTINGS.num_epochs,
        learning_rate=SETTINGS.learning_rate,
        gamma=SETTINGS.discount,
        gae_lambda=SETTINGS.lambda_,
        clip_range=SETTINGS.clip,
        ent_coef=SETTINGS.entropy_coef,
        vf_coef=SETTINGS.value_coef,
        max_grad_norm=SETTINGS.max_grad_norm,
        policy_kwargs={
            "net_arch": {"pi": [SETTINGS.hidden] * 2, "vf": [SETTINGS.hidden] * 2},
            "optimizer_kwargs": {"eps": SETTINGS.adam_eps},
        },
        device="cpu",
        seed=seed,
    )


def train(agents: list[PPO], updates: int) -> None:
    """Trains agents for so many more updates, one after the other."""
    for ppo in agents:
        ppo.learn(updates * SETTINGS.steps_per_update, reset_num_timesteps=False)


def learning_curve(
    world: str, agents: list[PPO], updates: int, evaluations: int, episodes: int
) -> list[dict[str, Any]]:
    """Trains, and evaluates on fresh episodes with drawn actions."""
    every = updates // evaluations
    curve = []
    for i in range(evaluations + 1):
        returns = []
        for ppo in agents:
            total, _ = evaluate_policy(
                ppo, make_vec_env(world, 8), episodes, deterministic=False, return_episode_rewards=True
            )
            returns.append(statistics.fmean(total))
        curve.append(point(i * every, returns))
        if i < evaluations:
            train(agents, every)
    return curve


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--threads", type=int, default=1, help="of torch")
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    if given.world != "CartPole-v1":
        raise SystemExit(f"sb3_ppo: --world {given.world}: gymnasium itself has CartPole-v1 only")
    seeds = range(given.seed, given.seed + given.agents)
    result: dict[str, Any] = {"trunk": "separate", "compiling": 0.0}
    if given.repetitions:
        train([make_ppo(given.world, given.seed)], min(given.updates, 10))  # to warm up
        seconds = []
        for _ in range(given.repetitions):
            agents = [make_ppo(given.world, seed) for seed in seeds]
            seconds.append(timed(lambda agents=agents: train(agents, given.updates))[0])
        result |= speed(given.agents, given.updates, seconds)
    if given.evaluations:
        agents = [make_ppo(given.world, seed) for seed in seeds]
        result["curve"] = learning_curve(given.world, agents, given.updates, given.evaluations, given.episodes)
    result["device"] = f"CPU, {torch.get_num_threads()} threads"
    say(given, ("stable-baselines3", "torch", "gymnasium"), result)


if __name__ == "__main__":
    main()
