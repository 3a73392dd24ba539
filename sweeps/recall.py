"""How much can be kept in context, and how much in weights that go on learning, while a world drifts? Pairs to recall.

Command: regimax run sweeps/recall.py
Cells: 224 in 244 stages: 7 regimes × 8 worlds × 4 seeds; learning to remember runs once per network and seed.
Time: about ten minutes on two cores, half of it compiling.
Table: python docs/tables.py runs/recall
Expected: learning to remember works: with 8 pairs in context, and nothing that lasts, every network answers 0.99 or
  more. Measured, accuracy on what lasts where 8, 32, 128 and 256 pairs do, all in context beside 8 that are new: 0.96,
  0.82, 0.35 and 0.25 with a memory of 16 × 16 numbers; 1.00, 0.95, 0.59 and 0.38 with 32 × 32; 1.00, 1.00, 0.81 and
  0.59 with 100 × 100, as many numbers as `continual_128` has weights, where the 64 numbers of a key set the limit; 1.00
  throughout with a softmax memory, the null. Never in context, but learnt in 4,000 sequences by an MLP of 128 units
  beside a memory of 16 × 16: 1.00, 0.99, 0.98 and 0.96, and what is new 0.95 or better; of 16 units: 1.00, 0.99, 0.84
  and 0.58, a threshold of its own, set by its weights. Lived in another world it knows nothing (0.06; chance is 0.06).
  With 32 pairs that drift, each with probability 1/1000, 1/100 and 1/10 per sequence, it has 0.92, 0.33 and 0.06, and
  what is in context does not mind. It is no thrift: 10,384 weights keep 256 values of 4 bits at 0.96, and 256 numbers
  of state keep 16 at 0.95.
"""

import regimax as rx

r = rx.regimes
world = rx.envs.Recall(dynamic=8, queries=16, apart=True, max_stable=256)


def arm(name, make, updates, width=16, hidden=128, memory="sum", **more):
    """A regime after a thousand updates of learning to remember up to 136 pairs."""
    network = rx.networks.pair_memory(width, hidden, memory)
    evaluate = r.Evaluate(every=250, episodes=64)
    return make((1000, updates), network=network, load=136, evaluate=evaluate, name=name, **more)


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
