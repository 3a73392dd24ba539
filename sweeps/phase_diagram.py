"""When does pretraining pay? Looks of each value against observations per reward: a phase diagram. Exemplar.

Heads learn by Q-learning on what contrastive prediction has made of a stream without rewards, or all of the network
does from scratch. Richness is M, the looks of each value; of n decisions one is paid, which the learner knows. Every
point is 8 worlds: who gets to 0.9 success at all within 51,200 decisions, and who with fewer rewards. Contours tell
how many tasks must share one base model until that has cost fewer FLOPs than learning each from scratch.

Command: regimax run sweeps/phase_diagram.py
Cells: 384 in 432 stages: 2 regimes × 6 numbers of looks × 4 numbers of observations per reward × 8 worlds.
Time: two minutes on two cores, once compiled.
Figure: python docs/rewards.py sweeps/phase_diagram.py docs/results runs/phase_diagram
Expected: with 8 looks and more, who predicts first needs fewer rewards in all worlds, at any number of observations
  for each (measured); with one look, where there is no concept, in 4 to 6 of 8. With 16 looks at 64 observations per
  reward, and 32 at 16, scratch does not get there in half of the worlds. In FLOPs one task pays for a base model
  where there are 16 looks or more and much is seen for each reward, ten from some 16 looks at one observation to 2 at
  64, and with few looks at one observation for each not a hundred. There is no point where all fail, and none where
  prediction surely hurts. Step sizes are those that C6 chose, with 16 looks: with one they are nobody's best.
"""

from dataclasses import replace

import polars as pl
from c06_always_on import N, against

import regimax as rx
from regimax.report import statistics as st
from regimax.report.phase_map import phase_map

LOOKS = "world.looks"
SCRATCH, PREDICTED = "pure_rl-Q", "pretrain_rl"
QUESTION = "When does pretraining pay, by how many looks there are and how much is seen for each reward?"


def _sweep(looks, numbers, updates, pretraining, seeds):
    world = rx.envs.Exemplar(factors=2, values=4, looks=looks[0], dimensions=64, max_looks=max(looks))
    budgets = (updates, 1, 1, updates)
    # Chosen in C6's tuning worlds, with 16 looks.
    choices = [
        rx.Choice(SCRATCH, {"rl.learning_rate": 0.01}),
        rx.Choice(PREDICTED, {"rl.learning_rate": 0.01, "pretrain.learning_rate": 0.002}),
    ]
    arms = (SCRATCH, PREDICTED)
    found = against(world, numbers, budgets, 4, 4, pretraining, seeds, arms, choices=choices)
    return replace(found, axes={LOOKS: looks, **found.axes}, question=QUESTION)


def figure(runs):
    """Draws who needs fewer rewards at each point, who gets there, and from how many tasks on pretraining pays."""
    [run] = runs
    at = pl.col(LOOKS), pl.col(N)
    rewards = [st.times(run, arm, unit="rewards_delivered") for arm in (PREDICTED, SCRATCH)]
    flops = [st.times(run, arm, unit="flops_rl") for arm in (SCRATCH, PREDICTED)]
    return phase_map(
        st.phase_diagram(*rewards, *at),
        tasks=st.break_even_map(*flops, *at),
        names=("after prediction", "from scratch"),
        title="When pretraining pays: P(fewer rewards to 0.9 after prediction than from scratch)",
        x_axis="looks of each value, M",
        y_axis="observations per reward",
    )


sweep = _sweep([1, 2, 4, 8, 16, 32], (1, 4, 16, 64), updates=800, pretraining=1000, seeds=8)
