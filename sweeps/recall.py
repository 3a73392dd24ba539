"""How much can be kept in context, and how much in weights that go on learning, while a world drifts? Pairs to recall.

Command: regimax run sweeps/recall.py
Cells: 224 in 244 stages: 7 regimes × 8 worlds × 4 seeds; learning to remember runs once per network and seed.
Time: ?
Expected: ?
"""

import regimax as rx

r = rx.regimes
world = rx.envs.Recall(dynamic=8, queries=16, apart=True, max_stable=256)


def arm(name, make, updates, width=16, hidden=128, memory="sum", **more):
    """A regime after a thousand updates of learning to remember up to 136 pairs."""
    network = rx.networks.pair_memory(width, hidden, memory)
    evaluate = r.Evaluate(every=250, episodes=64)
    return make((1000, updates), network=network, load=136, evaluate=evaluate, **more)._replace(name=name)


sweep = rx.Sweep(
    world=world,
    regimes=[
        arm("in_context_16", r.in_context, 250),
        arm("in_context_32", r.in_context, 250, width=32),
        arm("in_context_100", r.in_context, 250, width=100),  # as many numbers of state as `continual` has weights
        arm("in_context_softmax", r.in_context, 250, memory="softmax"),
        arm("continual_128", r.continual, 4000),
        arm("continual_16", r.continual, 4000, hidden=16),
        arm("continual_128-irrelevant", r.continual, 4000, irrelevant=True),
    ],
    axes={
        "lasting": {
            "0": {"world.stable": 0},
            "8": {"world.stable": 8},
            "32": {"world.stable": 32},
            "128": {"world.stable": 128},
            "256": {"world.stable": 256},
            "32, drift 1/1000": {"world.stable": 32, "world.drift": 0.001},
            "32, drift 1/100": {"world.stable": 32, "world.drift": 0.01},
            "32, drift 1/10": {"world.stable": 32, "world.drift": 0.1},
        }
    },
    seeds=4,
    block=2,  # so that four seeds keep two cores busy
)
