"""Does a memory get room for what changes once the weights know what lasts? Gates, controls and three measures at once.

Command: regimax run sweeps/consolidation.py
Cells: 42 in 48 stages: 7 regimes × 3 worlds × 2 seeds; learning to remember runs once per gate and seed.
Time: ?
Expected: ?
"""

import regimax as rx

r = rx.regimes


def arm(gate, make, **more):
    """A regime after a thousand updates of learning to remember, measured with everything in context."""
    network, evaluate = rx.networks.pair_memory(16, 128, gate=gate), r.Evaluate(every=250, episodes=64)
    regime = make((1000, 3000), network=network, evaluate=evaluate, **more)
    name, _, rest = regime.name.partition("-")
    regime = regime._replace(name="-".join(filter(None, (name, gate, rest))))
    return r.probed(regime, rx.probes.consolidation(), every=1000, phases=["life"])


sweep = rx.Sweep(
    world=rx.envs.Recall(stable=128, dynamic=8, queries=16, apart=True),
    regimes=[
        arm("none", r.continual),
        arm("none", r.both),
        arm("learned", r.continual),
        arm("learned", r.both),
        arm("learned", r.both, shown=0.5),
        arm("learned", r.both, shown=0.5, irrelevant=True),
        arm("surprise", r.continual),
    ],
    axes={
        "lasting": {
            "128": {},
            "128, redrawn each time": {"world.drift": 1},
            "0": {"world.stable": 0},
        }
    },
    seeds=2,
    block=1,  # so that two seeds keep two cores busy
)
