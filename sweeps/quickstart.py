"""Does it pay to learn to predict before learning from reward? Five regimes on a small cipher.

Command: regimax run sweeps/quickstart.py
Cells: 120 in 136 stages: 5 regimes × 3 ways of being paid × 8 worlds; pretraining runs once per world and kind.
Time: half a minute to a minute on two cores, a quarter of it waiting for what is compiled the first time.
Expected: paid for every outcome, `imitation_rl` ends above 0.9 success and `oracle` at about 1. Paid for outcomes,
  `pretrain_rl` ends above `pure_rl` and `sham_rl`. Paid for every step it does not: there reward alone is dense enough
  at this size. At these budgets none of the three solves the task.
"""

import regimax as rx

rl, pretraining = 300, 800

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
            "every step": {"world.dense_reward": 1},
        }
    },
    seeds=8,
)
