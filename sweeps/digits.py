"""Do concepts of real images, found without labels, save reward, and hold for images that were never seen?

A bandit on handwritten digits: one of ten answers, right iff it is what the digit is worth. Success is measured on images
that neither learning nor prediction was shown. Prediction is contrastive, of views that are shifted, turned and scaled.

Command: regimax run sweeps/digits.py
Cells: 0 in 0 stages: 6 regimes × 3 kinds of images × 16 worlds; pretraining does not depend on whether images are moved.
Time: draft
Table: python docs/tables.py runs/digits
Expected: draft
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 32,
    "evaluate": r.Evaluate(every=10, episodes=512),
    "stop": r.Stop("success", 0.8, 3),
}
first = {
    "learner": rx.learners.prediction(rx.learners.objectives.contrastive()),
    "num_envs": 128,
    "evaluate": r.Evaluate(every=500, episodes=128),
}
# Of 0.001, 0.003, 0.01, … 0.3 the one with the least median of episodes in four other worlds; none lies at an end. The
# same serves images that are moved. No head on a sham or an untrained trunk gets there at any of them.
RATES = {
    "oracle": 0.03,
    "pure_rl": 0.003,
    "pretrain_rl": 0.003,
    "pretrain_rl-frozen": 0.03,
    "sham_rl-frozen": 0.03,
    "untrained": 0.03,
}

sweep = rx.Sweep(
    world=rx.envs.Digits(),
    regimes=[
        r.oracle(1000, **rl),
        r.pure_rl(4000, **rl),
        r.pretrain_rl((6000, 2000), pretrain=first, **rl),
        r.pretrain_rl((6000, 1000), pretrain=first, finetune="frozen", **rl),
        r.sham_rl((6000, 1000), pretrain=first, finetune="frozen", **rl),
        r.pure_rl(1000, finetune="frozen", name="untrained", **rl),
    ],
    axes={
        "images": {
            "moved": {"world.jitter": 1},
            "as they are": {},
            "one of each digit": {"world.looks": 1, "world.held_out": 0},
        }
    },
    choices=[rx.Choice(name, {"rl.learning_rate": rate}) for name, rate in RATES.items()],
    seeds=16,
    threshold=0.8,
    question="Do concepts of real images, found without labels, save reward, and hold for images that were never seen?",
)
