"""How many rewards does a learner need, that sees n times for each time that it is paid? Exemplar.

The senses are always on, and of n rewards one arrives; the learner knows which did not. `always_on` predicts what it
sees on its own stream, `pretrain_rl` a stream of others beforehand, `pure_rl` not at all.

Command: regimax run sweeps/rewards_against_observations.py
Cells: 224 in 240 stages: 7 regimes × 4 ratios × 8 seeds; pretraining runs once per world and kind, whatever the ratio.
Time: about six minutes on two cores.
Table: python docs/tables.py runs/rewards_against_observations
Expected: what reward must tell falls as the senses tell more in between. Median rewards delivered to 0.9 success at 1,
  4, 16 and 64 observations for each (measured; step sizes as below, not tuned): `always_on` with stopped gradients
  8,000, 2,160, 720 and 310; after pretraining 960, 320, 140 and 175, counted in steps of 320, 80, 20 and 5; from
  scratch 19,520 and 13,840, and then the budget is too short: at 16, with three times as many updates, 10,380. With
  shared gradients reward undoes what prediction has made: 16,640 at 1, two worlds of eight at 4, none beyond. No sham
  ever gets there. The oracle needs 2,560, 880, 500 and 295 at its step size.
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
