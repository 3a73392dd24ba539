"""How fast does the search for a long secret grow with its length, and does a good representation shorten it?

Command: regimax run sweeps/lock.py
Cells: 192 in 224 stages: 3 regimes × 4 depths × 16 seeds; pretraining runs once per depth and seed.
Time: TIME
Expected: EXPECTED
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
pretraining = {"updates": 1000, "network": rx.networks.mlp((32, 32)), "evaluate": r.Evaluate(every=250, episodes=64)}

sweep = rx.Sweep(
    world=rx.envs.Lock(depth=2, actions=3, max_depth=8),
    regimes=[
        r.pure_rl(**rl),
        r.Regime("pretrain_rl", (r.predict(**pretraining), r.reinforce(inherit=["trunk"], **rl))),
        r.oracle(**rl),
    ],
    axes={"world.depth": [2, 4, 6, 8]},
    settings={"rl.learning_rate": 0.003},
    seeds=16,
)
