"""Where concepts hide behind many looks, what does it save to predict first? A bandit with four factors.

Command: regimax run sweeps/exemplar.py
Cells: 96 in 128 stages: 4 regimes × 3 worlds × 8 seeds; pretraining runs once per world, kind and seed.
Time: about three minutes on two cores.
Table: python docs/tables.py runs/exemplar
Expected: with one look per value there is nothing to find, and pretraining saves no episodes (measured: median
  episodes to 0.75 success 3,200, against 1,920 from scratch and 2,560 for the oracle). With 32 looks it takes 22,400
  episodes after pretraining; from scratch, and after sham pretraining, no world of eight gets there in 102,400. Where
  the factor that counts cannot be predicted none gets there either; but what was learnt does not hurt at this size:
  success after 102,400 episodes is 0.68, against 0.65 from scratch and 0.65 after a sham.
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.mlp((128, 32)),
    "evaluate": r.Evaluate(every=5, episodes=256),
    "stop": r.Stop("success", 0.75, 3),
}
pretraining = {"num_envs": 128, "evaluate": r.Evaluate(every=400, episodes=128)}

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=4, values=4, looks=32, dimensions=128),
    regimes=[
        r.pure_rl(1600, **rl),
        r.pretrain_rl((8000, 1600), pretrain=pretraining, **rl),
        r.sham_rl((8000, 1600), pretrain=pretraining, **rl),
        r.oracle(1600, **rl),
    ],
    axes={
        "kind": {
            "one look": {"world.looks": 1},
            "32 looks": {},
            "32 looks, factor unpredictable": {"world.unpredictable": 1},
        }
    },
    settings={"rl.learning_rate": 0.003},
    seeds=8,
    threshold=0.75,
)
