"""How does the search for a long secret grow with its length, and does a good representation shorten it? A lock.

Command: regimax run sweeps/lock.py
Cells: 200 in 240 stages: 5 regimes × 5 depths × 8 seeds; pretraining runs once per depth and seed.
Time: a few minutes on two cores, half of it compiling.
Table: python docs/tables.py runs/lock
Expected: learners without a bonus, the oracle included, search the longer the longer the secret, and their logarithm
  of episodes to 0.9 success grows towards ln 3 = 1.10 per step of depth. Measured at depths 3, 4, 5, 6 and 7, medians
  of eight worlds: 3,700, 4,200, 7,600, 55,300 and more than 96,000 episodes from scratch (8, 8, 8, 7 and 2 worlds
  solved); 3,000, 3,100, 6,700, 33,400 and more than 79,000 by the oracle (8, 8, 8, 6, 4), at least 1.23 per step from
  5 to 7. After pretraining on random behaviour more than 96,000 at depth 7 (3 solved). With a bonus for what is new
  55,000 from scratch and 42,400 by the oracle, 1.05 and 0.99 per step: less, but not flat.
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
