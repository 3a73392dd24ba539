"""Does predicting first save reward, and how much of it must arrive? A file to begin with: change what you like.

Command: regimax run sweeps/template.py
Cells: 36 in 44 stages: 3 regimes × 3 shares of rewards that are lost × 4 worlds; pretraining runs once per world.
Time: about half a minute on two cores.
Expected: `pretrain_rl` ends above `pure_rl`, and both lose by what is lost.
"""

import regimax as rx

r = rx.regimes
options = {  # of every phase of every regime below; help(rx.regimes.options) has them all
    "network": rx.networks.gru(32),  # or mlp, transformer, linear_attention, pair_memory
    "num_envs": 32,  # episodes side by side, of one learner
    "evaluate": r.Evaluate(every=20, episodes=256),  # a row of the learning curve every 20 updates
}

sweep = rx.Sweep(
    # One world is drawn per seed. `regimax list worlds` tells which there are; docs/own-parts.md shows one of your own.
    world=rx.envs.Cipher(symbols=4, skills=2, length=2),
    # How a learner learns, in phases, each with its number of updates. What phases have in common is computed once.
    regimes=[
        r.pure_rl(updates=200, **options),
        r.pretrain_rl(updates=(200, 200), **options),
        r.sham_rl(updates=(200, 200), **options),  # the control: it predicts what cannot be predicted
    ],
    # What is compared: every combination of values. Names are those of settings; `regimax plan` tells a wrong one.
    axes={"reward.erasure": [0.0, 0.5, 0.9]},
    # "rl.learning_rate": [0.001, 0.003, 0.01] would be another axis, and {"label": {…settings…}} names some together.
    seeds=4,
    threshold=0.9,  # the success that counts as competent; tables and pages say what it took to get there
)
