"""Does PPO learn where actions are numbers, and does it help to normalise what it sees? Two of gymnax's worlds.

Command: regimax run sweeps/continuous.py
Cells: 16 in 16 stages: 2 worlds × statistics off and on × 4 seeds.
Time: two minutes on two busy cores, half of it compiling.
Expected: PPO's published levels with and without statistics. Measured after 307,200 steps, the mean of four learners
  that draw their actions: -166 without and -161 with in Pendulum-v1, 93.8 and 93.5 in MountainCarContinuous-v0. What
  statistics change is how soon: the car, whose velocity is a hundredth of its position, is above 88 after 30,720 steps
  with them and after 184,320 without; the pendulum's numbers are of one scale, and there they cost time at first, -239
  against -183 after 122,880.
Reference: the levels are those of PPO in the benchmark of RL Baselines3 Zoo (Raffin, 2020): -172 in Pendulum-v1 after
  100,000 steps, 88 in MountainCarContinuous-v0 after 20,000, one learner each, acting by the mean.
"""

import regimax as rx

r = rx.regimes
NETWORK = rx.networks.normalize_observations(rx.networks.mlp((64, 64), critic=(64, 64)))


def ppo(id: str, updates: int, channels: list[rx.channels.Channel], **settings: float) -> r.Regime:
    """PPO in a world of its own, with settings of its own."""
    world = rx.envs.gymnax.make(id)
    regime = r.pure_rl(
        updates=updates,
        network=NETWORK,
        num_envs=16,
        num_steps=128,
        learner=rx.learners.actor_critic(num_epochs=10, num_minibatches=8),
        channels=channels,
        evaluate=r.Evaluate(every=updates // 10, episodes=32),
    )
    phase = regime.phases[0]._replace(world=lambda _: world, settings={"max_grad_norm": 0.5, **settings})
    return r.Regime(id, (phase,))


sweep = rx.Sweep(
    world=rx.envs.gymnax.make("Pendulum-v1"),
    regimes=[
        ppo("Pendulum-v1", 150, [], discount=0.95, entropy_coef=0.0),
        # A new action every eighth step: what is drawn at every step anew hardly ever rocks the car out of its valley.
        ppo("MountainCarContinuous-v0", 150, [rx.channels.quantized_decision()], discount=0.99),
    ],
    axes={"rl.normalize_observations": [0, 1]},
    settings={"decision.rate": 0.125},
    seeds=4,
)
