"""How long does it take to find a treasure that lies N right moves down, and what does curiosity change? bsuite's sea.

Command: regimax run sweeps/deepsea.py
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
    regimes=[arm(name, size) for size in (6, 8, 10, 12) for name in LEARNERS],
    settings={"rl.learning_rate": 0.01},
    seeds=8,
)
