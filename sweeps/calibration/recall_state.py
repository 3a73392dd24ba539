"""How many pairs can be recalled from a state of how many numbers, and does attention without one need any? Recall.

Command: regimax run sweeps/calibration/recall_state.py
Cells: 200 in 240 stages: 5 networks × 5 numbers of pairs × 8 seeds; learning to remember runs once per network and
  seed.
Time: three minutes of processor time, half of it compiling.
Published: gated convolutions need a dimension that grows with the sequence to recall associations, attention does not
  (Arora et al., Zoology, 2023, arXiv 2312.04927, and their post of 11 December 2023); there is "a key tradeoff between
  a model's state size and recall ability" (Arora et al., Based, 2024, arXiv 2402.18668, abstract).
Expected: before the run, that N, the pairs that are recalled at 0.9, grows with the d² numbers of a sum of outer
  products, between their root and in proportion: ln N on ln d² has a slope of 0.5 to 1. Softmax attention recalls all
  numbers of pairs at more than 0.9. It agrees if the slope's 95 % interval lies above 0.3 and softmax does not fall
  below 0.9.
Seen before: `sweeps/recall.py`, in which 16 × 16 numbers hold 16 pairs at 0.96 and 32 × 32 hold 40 at 0.95.
"""

import regimax as rx

r = rx.regimes
NEW = 8  # of the pairs of a sequence; the others last, and are shown in each
LASTING = [0, 8, 24, 56, 120]


def arm(name, width, memory="sum"):
    """A memory that has learnt to remember up to 128 pairs of worlds that are new each time, and learns no more."""
    return r.in_context(
        (300, 10),
        network=rx.networks.pair_memory(width, 16, memory),
        load=NEW + max(LASTING),
        meta={"num_envs": 8, "learning_rate": 1e-2, "evaluate": r.Evaluate(every=150, episodes=32)},
        life={"evaluate": r.Evaluate(every=10, episodes=64)},
        name=name,
    )


sweep = rx.Sweep(
    world=rx.envs.Recall(dynamic=NEW, queries=16, apart=True, max_stable=max(LASTING)),
    regimes=[*(arm(f"{width}", width) for width in (8, 16, 32, 64)), arm("softmax", 16, "softmax")],
    axes={"world.stable": LASTING},
    seeds=8,
    block=4,  # so that eight seeds keep two cores busy
)
