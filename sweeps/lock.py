"""How does the search for a long secret grow with its length, and does a good representation shorten it? A lock.

Command: regimax run sweeps/lock.py
Cells: 200 in 240 stages: 5 regimes × 5 depths × 8 seeds; pretraining runs once per depth and seed.
Time: a few minutes on two cores, half of it compiling.
Table: python docs/tables.py runs/lock
Expected: learners without a bonus, the oracle included, search the longer the longer the secret, and their logarithm
  of episodes to 0.9 success grows towards ln 3 = 1.10 per step of depth. Measured at depths 3, 4, 5, 6 and 7, medians
  of eight worlds as the lower of the two in the middle: 3,700, 3,900, 6,700, 34,300 and 81,600 episodes from scratch
  (8, 8, 8, 6 and 5 worlds solved), 1.25 per step from 5 to 7; 3,000, 2,800, 5,800, 19,000 and 38,700 by the oracle
  (8, 8, 8, 8, 7), 0.95. After pretraining on random behaviour 69,760 at depth 7 (4 solved), 1.11 per step. With a
  bonus for what is new 38,100 from scratch and 28,800 by the oracle, 0.94 and 0.84 per step: less, but not flat.
"""

import regimax as rx

r = rx.regimes
# Advantages as they are and an entropy that counts keep those who have found nothing at uniform choices: made to unit
# variance, the noise of the lure would drive them off. Whoever has the way through one of two states goes on looking.
plain = rx.learners.actor_critic(normalize=False)
curious = rx.learners.actor_critic(normalize=False, bonus=rx.learners.count_bonus())
rl = {
    "network": rx.networks.mlp((32, 32)),
    "num_envs": 16,
    "learner": plain,
    "evaluate": r.Evaluate(every=20, episodes=32),
    "stop": r.Stop("success", 0.9, 3),
}
pretraining = {"num_envs": 64, "evaluate": r.Evaluate(every=250, episodes=64)}

sweep = rx.Sweep(
    world=rx.envs.Lock(depth=3, actions=3, max_depth=7),
    regimes=[
        r.pure_rl(6000, **rl),
        r.pretrain_rl((1000, 6000), pretrain=pretraining, **rl),
        r.oracle(6000, **rl),
        r.pure_rl(6000, **rl | {"learner": curious}, name="pure_rl_bonus"),
        r.oracle(6000, **rl | {"learner": curious}, name="oracle_bonus"),
    ],
    axes={"world.depth": [3, 4, 5, 6, 7]},
    settings={"rl.learning_rate": 0.003, "rl.entropy_coef": 0.05},
    seeds=8,
)
