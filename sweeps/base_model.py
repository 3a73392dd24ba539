"""What does reinforcement learning add to a base model that keeps its head? Cipher, by what the stream covers.

`imitation_rl` begins from a base model with its answers, `pretrain_rl` from its trunk alone. The probe tells pass@k,
success in one of k tries at the same episode: where ``rl`` begins that of the base model as it is, where it ends that
of what has become of it.

Command: regimax run sweeps/base_model.py
Cells: 72 in 80 stages: 6 regimes × 3 coverages × 4 seeds.
Time: about two minutes on two cores.
Table: python docs/tables.py runs/base_model
Expected: with its head the base model succeeds at once in about one of four episodes, for there are four skills, and in
  all of them within 256 tries; reinforcement makes that 0.99 at the first try (measured). Where the stream covers half
  of the skills the base model reaches 0.66 within 256 tries, and after reinforcement 0.59 at any number of them: it
  brings out what was there. Where it covers none that count it goes beyond: 0.35 within 256 tries before, 0.45 at the
  first one afterwards. An untrained policy, which tries everything, reaches 0.98 of the episodes within 256 tries,
  and after as much reinforcement 0.47, as do a trunk alone and a sham (0.36 to 0.54).
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.gru(48),
    "num_envs": 64,
    "evaluate": r.Evaluate(every=50, episodes=256),
}
both = {"updates": (1000, 400), "pretrain": {"evaluate": r.Evaluate(every=250, episodes=64)}, **rl}
tries = rx.probes.attempts((1, 4, 16, 64, 256), episodes=64)

sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=4, skills=4, length=3),
    regimes=[
        r.probed(regime, tries, phases=["rl"])
        for regime in (
            r.pure_rl(400, **rl),
            r.pretrain_rl(**both),
            r.imitation_rl(**both),
            r.imitation_rl(finetune="frozen", **both),
            r.sham_rl(**both),
            r.oracle(400, **rl),
        )
    ],
    axes={"world.coverage": [0.0, 0.5, 1.0]},
    settings={"rl.learning_rate": 0.003},
    seeds=4,
    threshold=0.9,
)
