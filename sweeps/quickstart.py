"""Does it pay to learn to predict before learning from reward? Five regimes on a small cipher.

Command: regimax run sweeps/quickstart.py
"""

import regimax as rx

rl, pretraining = 500, 800

sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=5, skills=3, length=3),
    regimes=[
        rx.regimes.pure_rl(updates=rl),
        rx.regimes.pretrain_rl(updates=(pretraining, rl)),
        rx.regimes.imitation_rl(updates=(pretraining, rl)),
        rx.regimes.sham_rl(updates=(pretraining, rl)),
        rx.regimes.oracle(updates=rl),
    ],
    axes={
        "reward": {
            "outcome only": {},
            "outcome, half lost": {"reward.erasure": 0.5},
            "every step": {"world.reward_per_step": 1},
        }
    },
    seeds=8,
)
