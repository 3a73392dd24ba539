"""How does the search for a long secret grow with its length, and does a good representation shorten it? A lock.

Command: regimax run sweeps/lock.py
Cells: 160 in 192 stages: 5 regimes × 4 depths × 8 seeds; pretraining runs once per depth and seed.
Time: about two and a half minutes on two cores.
Expected: no arm has an advantage, the oracle included: nobody explores. Measured, at depths 2, 4, 6 and 8, of eight
  worlds each: 8, 8, 4, 2 solved from scratch, 8, 8, 3, 1 after pretraining on random behaviour, and 8, 8, 3, 2 by the
  oracle.
"""

import regimax as rx

r = rx.regimes
rl = {
    "updates": 800,
    "network": rx.networks.mlp((32, 32)),
    "learner": rx.learners.actor_critic(),
    "evaluate": r.Evaluate(every=5, episodes=64),
    "stop": r.Stop("success", 0.9, 3),
}
curious = rx.learners.actor_critic(bonus=rx.learners.count_bonus())
pretraining = {"updates": 1000, "network": rx.networks.mlp((32, 32)), "evaluate": r.Evaluate(every=250, episodes=64)}

sweep = rx.Sweep(
    world=rx.envs.Lock(depth=2, actions=3, max_depth=8),
    regimes=[
        r.pure_rl(**rl),
        r.Regime("pretrain_rl", (r.predict(**pretraining), r.reinforce(inherit=["trunk"], **rl))),
        r.oracle(**rl),
        r.pure_rl(**rl | {"learner": curious})._replace(name="pure_rl_bonus"),
        r.oracle(**rl | {"learner": curious})._replace(name="oracle_bonus"),
    ],
    axes={"world.depth": [2, 4, 6, 8]},
    settings={"rl.learning_rate": 0.003},
    seeds=8,
)
