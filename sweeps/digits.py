"""draft"""

import regimax as rx

r = rx.regimes
contrastive = rx.learners.prediction(rx.learners.objectives.contrastive())
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 32,
    "evaluate": r.Evaluate(every=10, episodes=512),
    "stop": r.Stop("success", 0.9, 3),
}
pretraining = {"learner": contrastive, "num_envs": 128, "evaluate": r.Evaluate(every=500, episodes=128)}

sweep = rx.Sweep(
    world=rx.envs.Digits(),
    regimes=[
        r.oracle(1500, **rl),
        r.pure_rl(4000, **rl),
        r.pretrain_rl((6000, 1500), pretrain=pretraining, finetune="frozen", **rl),
        r.pretrain_rl((6000, 4000), pretrain=pretraining, **rl),
        r.sham_rl((6000, 1500), pretrain=pretraining, finetune="frozen", **rl),
    ],
    axes={"rl.learning_rate": (3e-3, 1e-2, 3e-2)},
    seeds=4,
    threshold=0.8,
)
