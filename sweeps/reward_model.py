"""Does a learned model of the outcome stretch few outcomes over many episodes? Cipher, by what becomes of its outcomes.

Command: regimax run sweeps/reward_model.py
Cells: 160 in 168 stages: 5 regimes × 4 fates of the outcome × 8 seeds; pretraining runs once per seed.
Time: about ten minutes on two cores.
Expected: not here. Measured, success after 128,000 episodes, medians of eight worlds, where all outcomes arrive, 1 in
  10, 1 in 100, and all but 16 episodes late: after pretraining alone 0.63, 0.48, 0.02 and 0.02; with a model that
  rewards by shaping 0.63, 0.32, 0.01 and 0.02, with its sham 0.62, 0.35, 0.02 and 0.01; with direct rewards 0.47, 0.03,
  0.00 and 0.02, with its sham 0.38, 0.02, 0.02 and 0.01. So a potential costs nothing where outcomes are plenty and
  gains nothing where they are few, whether its model learns from its own outcomes or from others'; direct rewards harm.
  No arm reaches 0.9. Neither step sizes nor the weight of the learned reward were tuned. An outcome that is late
  arrives with the last step of a later episode, which nobody here can tell from its own.
"""

import regimax as rx

r = rx.regimes
options = {
    "network": rx.networks.gru(32),
    "channels": [rx.channels.outcome(max_delay=16), rx.channels.reward()],
    "evaluate": r.Evaluate(every=20, episodes=64),
    "stop": r.Stop("success", 0.9, 3),
}
updates = (1000, 2000)

sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=4, skills=4, length=3),
    regimes=[
        r.pretrain_rl(updates, **options),
        r.reward_model(updates, **options),
        r.reward_model(updates, form="direct", **options),
        r.reward_model_sham(updates, **options),
        r.reward_model_sham(updates, form="direct", **options),
    ],
    axes={
        "outcomes": {
            "all": {},
            "1 in 10": {"outcome.erasure": 0.9},
            "1 in 100": {"outcome.erasure": 0.99},
            "16 episodes late": {"outcome.delay": 16},
        }
    },
    settings={"rl.learning_rate": 0.003},
    seeds=8,
)
