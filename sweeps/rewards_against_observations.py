"""How many rewards does a learner need, that sees n times for each time that it is paid? Exemplar.

The senses are always on, and of n rewards one arrives; the learner knows which did not. `always_on` predicts what it
sees on its own stream, `pretrain_rl` a stream of others beforehand, `pure_rl` not at all.

Command: regimax run sweeps/rewards_against_observations.py
Table: python docs/tables.py runs/rewards_against_observations
"""

import regimax as rx

r = rx.regimes
contrastive = rx.learners.objectives.contrastive()  # with many looks a squared error has next to nothing to predict
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 64,
    "evaluate": r.Evaluate(every=5, episodes=128),
    "stop": r.Stop("success", 0.9, 3),
}
beside = {"updates_per_rollout": 4, "learner": {"objective": contrastive, "capacity": 64 * 128}, **rl}
before = {
    "predictor": rx.learners.prediction(contrastive),
    "pretrain": {"num_envs": 128, "evaluate": r.Evaluate(every=500, episodes=128)},
    "finetune": "frozen",
    **rl,
}

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=2, values=4, looks=16, dimensions=64),
    regimes=[
        r.pure_rl(1600, **rl),
        r.always_on(800, gradients="stopped", name="always_on-stopped", **beside),
        r.always_on(800, name="always_on-shared", **beside),
        r.always_on_sham(800, gradients="stopped", name="always_on_sham", **beside),
        r.pretrain_rl((2000, 800), name="pretrain_rl", **before),
        r.sham_rl((2000, 800), name="sham_rl", **before),
        r.oracle(800, **rl),
    ],
    axes={"observations_per_reward": rx.channels.observations_per_reward(1, 4, 16, 64)},
    settings={"rl.learning_rate": 0.03},
    choices=[rx.Choice(name, {"rl.learning_rate": 0.003}) for name in ("pure_rl", "oracle")],
    seeds=8,
    threshold=0.9,
)
