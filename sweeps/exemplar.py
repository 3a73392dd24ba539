"""Where concepts hide behind many looks, what does it save to predict first? A bandit of four factors, three kinds.

Command: regimax run sweeps/exemplar.py
Cells: 192 in 208 stages: 4 regimes × 3 worlds × 16 seeds; pretraining runs once per world, kind and seed.
Time: TIME
Expected: EXPECTED
"""

import regimax as rx

r = rx.regimes
network, evaluate = rx.networks.mlp((128, 32)), r.Evaluate(every=5, episodes=256)
rl = {
    "updates": 1600,
    "network": network,
    "learner": rx.learners.actor_critic(),
    "evaluate": evaluate,
    "stop": r.Stop("success", 0.75, 3),
}
pretraining = {"updates": 8000, "network": network, "num_envs": 128, "evaluate": r.Evaluate(every=400, episodes=128)}

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=4, values=4, forms=32, dimensions=128),
    regimes=[
        r.pure_rl(**rl),
        r.Regime("pretrain_rl", (r.predict(**pretraining), r.reinforce(inherit=["trunk"], **rl))),
        r.Regime("sham_rl", (r.predict(sham=True, **pretraining), r.reinforce(inherit=["trunk"], **rl))),
        r.oracle(**rl),
    ],
    axes={
        "kind": {
            "one look": {"world.forms": 1},
            "32 looks": {},
            "32 looks, factor unpredictable": {"world.unpredictable": 1},
        }
    },
    settings={"rl.learning_rate": 0.003},
    seeds=8,
    threshold=0.75,
)
