"""Does a memory get room for what changes once the weights know what lasts? Gates, controls and three measures at once.

Command: regimax run sweeps/consolidation.py
Cells: 42 in 48 stages: 7 regimes × 3 worlds × 2 seeds; learning to remember runs once per gate and seed.
Time: about ten minutes on two cores, more than half of it compiling.
Table: python docs/tables.py runs/consolidation
Expected: not with a learned gate, by the three measures together. Measured with 128 lasting pairs and 8 new ones in
  context, means of two worlds: before, crosstalk 5.9, 13.8 of 16 dimensions are what lasts's, and what is new is
  recalled at 0.33. After 3,000 sequences a gate of surprise, which is close to a tautology: 0.0, 0.0 dimensions, 0.97,
  and without what lasts in context nothing changes (0.99 of it is known). A learned gate that never sees what lasts
  learns nothing about it: 5.5, 14.0, 0.34, as without a gate, though 0.99 is known. With everything in context
  crosstalk falls to 0.53 and 0.93 of what is new is recalled, but no better than without a gate (0.56 and 0.92),
  12.1 dimensions stay taken, and what lasts falls from 0.98 to 0.83 when it is not in context: weights and memory have
  grown together. With half of the sequences showing it, crosstalk is 0.18, recall 0.91 and nothing is lost without it
  (0.98), but 13.2 dimensions are still taken, at 0.87 of a full write: weights make it harmless, the gate does not free
  its room. Controls: in another world 5.7, 13.4 and 0.35. Values that are redrawn each time are never known (0.06), and
  yet a learned gate that always sees them recalls 0.82 of what is new, with crosstalk 0.78: it shuts out keys, not
  what it knows, so neither alone is a sign of consolidation; without a gate 0.38 and 5.1. Nothing lasting: 0.99. These
  dimensions are of what is written, the same for random keys, and do not see what cancels; room in the state, how many
  further pairs fit, is what counts, and C11 asks for it. Here, with 128 lasting pairs, none fits at first.
"""

import regimax as rx

r = rx.regimes


def arm(name, make, gate, **more):
    """A regime after a thousand updates of learning to remember, measured with everything in context."""
    network, evaluate = rx.networks.pair_memory(16, 128, gate=gate), r.Evaluate(every=250, episodes=64)
    regime = make((1000, 3000), network=network, evaluate=evaluate, name=name, **more)
    return r.probed(regime, rx.probes.consolidation(), rx.probes.room(), every=1000, phases=["life"])


sweep = rx.Sweep(
    world=rx.envs.Recall(stable=128, dynamic=8, queries=16, apart=True),
    regimes=[
        arm("continual-none", r.continual, "none"),
        arm("both-none", r.continual_in_context, "none"),
        arm("continual-learned", r.continual, "learned"),
        arm("both-learned", r.continual_in_context, "learned"),
        arm("both-learned-0.5", r.continual_in_context, "learned", shown=0.5),
        arm("both-learned-0.5-irrelevant", r.continual_in_context, "learned", shown=0.5, irrelevant=True),
        arm("continual-surprise", r.continual, "surprise"),
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
