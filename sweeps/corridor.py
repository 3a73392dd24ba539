"""What do prediction and a model of reward save, as reward comes later? Corridor.

Command: regimax run sweeps/corridor.py
Cells: 80 in 96 stages: 5 regimes × 4 kinds × 4 seeds; the lag does not reach pretraining.
Time: under a minute on two cores, once compiled.
Table: python docs/tables.py runs/corridor
Expected: heads alone on what was predicted get there at a lag of 0, 4 and 16 steps after 5,440, 2,720 and 3,120
  rewards (measured, four worlds; step sizes not tuned), on what a sham has left in no world. Where nothing lasts
  prediction is a sham itself: no world, while scratch needs 5,440. From scratch one world of four gets there at a lag
  of 4 and none at 16. A model of the outcome, untuned, costs rather than saves. At a lag of 4, with ``--set
  world.ahead=1,4,16,64``, what contrastive prediction finds of the later look is 1.53, 0.72, 0.00 and −0.05 bits, of
  1.50, 0.77, 0.07 and 0.00 that there are, and heads need 2,720, 4,624, 17,680 rewards and more than there were.
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
