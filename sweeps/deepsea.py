"""How long does it take to find a treasure that lies N right moves down, and what does curiosity change? bsuite's sea.

Command: regimax run sweeps/deepsea.py
Cells: 80 in 80 stages: 2 regimes × 5 depths × 8 seeds.
Time: a few minutes on two cores, most of it compiling: every depth is a program.
Table: python docs/tables.py runs/deepsea
Expected: choosing at random finds the treasure once in 2^N episodes (gymnax leaves nothing else to chance), and so
  does a learner until it has found it; a bonus for what is new flattens that. Measured at depths 6, 8, 10, 12 and 14,
  medians of eight seeds: 640, 960, 1,480, 3,040 and more than 32,000 episodes to 0.9 success, of which some 600 go
  into learning what was found, against 640, 800, 1,120, 1,160 and 1,400 with the bonus.
"""

import regimax as rx

r = rx.regimes
LEARNERS = {
    "pure_rl": rx.learners.actor_critic(normalize=False),
    "pure_rl_bonus": rx.learners.actor_critic(normalize=False, bonus=rx.learners.count_bonus(bits=14)),
}


def arm(name: str, size: int) -> r.Regime:
    """A learner in a sea of its own size, which is static in gymnax: every size is a program."""
    sea = rx.envs.gymnax.make("DeepSea-bsuite", size=size)
    regime = r.pure_rl(
        updates=2000,
        network=rx.networks.mlp((32,)),
        num_envs=16,
        learner=LEARNERS[name],
        channels=[],
        evaluate=r.Evaluate(every=5, episodes=16),
        stop=r.Stop("success", 0.9, 3),
    )
    return r.Regime(f"{name} {size}", (regime.phases[0]._replace(world=lambda _: sea),))


sweep = rx.Sweep(
    world=rx.envs.gymnax.make("DeepSea-bsuite"),
    regimes=[arm(name, size) for size in (6, 8, 10, 12, 14) for name in LEARNERS],
    settings={"rl.learning_rate": 0.01},
    seeds=8,
)
