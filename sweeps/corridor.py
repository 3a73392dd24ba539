"""What do prediction and a model of reward save, as reward comes later? Corridor.

Command: regimax run sweeps/corridor.py
Table: python docs/tables.py runs/corridor
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 16,
    "evaluate": r.Evaluate(every=5, episodes=128),
    "stop": r.Stop("success", 0.9, 3),
}
before = {
    "predictor": rx.learners.prediction(rx.learners.objectives.contrastive()),
    "pretrain": {"num_envs": 128, "evaluate": r.Evaluate(every=250, episodes=128)},
    "finetune": "frozen",
    **rl,
}

sweep = rx.Sweep(
    world=rx.envs.Corridor(positions=4, looks=16, lag=16, persistence=0.9, dimensions=64),
    regimes=[
        r.pure_rl(400, **rl),
        r.pretrain_rl((1000, 400), name="pretrain_rl", **before),
        r.sham_rl((1000, 400), name="sham_rl", **before),
        r.reward_model((1000, 400), form="direct", name="reward_model", **before),
        r.oracle(400, **rl),
    ],
    axes={
        "kind": {
            "lag 0": {"world.lag": 0},
            "lag 4": {"world.lag": 4},
            "lag 16": {"world.lag": 16},
            "lag 0, nothing lasts": {"world.lag": 0, "world.persistence": 0.0},
        }
    },
    settings={"rl.learning_rate": 0.01},
    seeds=4,
    threshold=0.9,
)
