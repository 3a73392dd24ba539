"""How many rewards does it take to tell handwritten digits apart, by what is seen for each? Images nobody has seen.

The arms of C6 on real images, shifted, turned and scaled: the senses are always on, and of n decisions one is paid,
which the learner knows. Effort is rewards delivered to 0.8 success on images that neither learning nor prediction was
shown. Where every decision is paid, or every fourth, `rewards_digits_dense.py` says the same with more replay.

Command: regimax run sweeps/rewards_digits.py
Cells: 96 in 104 stages: 6 regimes × 2 numbers of observations per reward × 8 worlds.
Time: about ten minutes of processor time, five on two quiet cores; the other file about as much.
Table: python docs/tables.py runs/rewards_digits runs/rewards_digits_dense
Figure: python docs/rewards.py sweeps/rewards_digits.py docs/results runs/rewards_digits runs/rewards_digits_dense
Expected: at 1, 4, 16 and 64 observations per reward scratch by Q-learning needs 7,840, 8,352, 7,448 and 8,012 rewards,
  `always_on` 12,960, 3,424, 2,152 and 1,142, both in all worlds (measured, medians of eight). Its sham gets there
  nowhere, in 25,600, 6,400, 8,000 and 2,000 rewards, A2C from scratch in two worlds at 1, in 102,400, and else nowhere.
  `pretrain_rl` needs 1,280, 1,104, 1,136 and 1,282, the oracle 960, 384, 456 and 290. So where pay is rare prediction
  on one's own stream saves a factor of 3.5 and of 7.0, and at 64 is as good as 768,000 pairs of others. Where every
  decision is paid it costs 1.7 times as many: who is paid for all that it sees should replay it. No learner can do with
  fewer than 15.
What speaks against it: step sizes were chosen in two other worlds, of three each, at 1 and 64, with 4 updates a
  rollout: those of scratch are the least of the three. That of prediction was not tuned. Budgets at 16 and 64 were
  enlarged after a first run in which scratch had not got there at 64.
"""

from dataclasses import replace

from c06_always_on import against

import regimax as rx
from regimax.report.rewards import rewards_against

ARMS = ("pure_rl-A2C", "pure_rl-Q", "always_on", "always_on_sham", "pretrain_rl", "oracle")
RATES = {
    "pure_rl-A2C": 0.003,
    "pure_rl-Q": 0.003,
    "always_on": 0.01,
    "always_on_sham": 0.01,
    "pretrain_rl": 0.01,
    "oracle": 0.03,
}


WORLD = rx.envs.Digits(jitter=1.0)
QUESTION = "How many rewards does it take to tell handwritten digits apart, by what is seen for each of them?"


def digits(numbers, budgets, replays, every):
    """The sweep of some numbers of observations per reward, see `against`."""
    choices = [rx.Choice(name, {"rl.learning_rate": rate}) for name, rate in RATES.items()]
    found = against(WORLD, numbers, budgets, replays, every, 6000, 8, ARMS, 0.8, choices=choices)
    return replace(found, question=QUESTION)


def figure(runs):
    """Draws runs of both files, with the floor below which nobody can go, whatever is known of images."""
    known = WORLD.describe(WORLD.defaults())
    floors = {"floor": WORLD.episodes_floor(WORLD.defaults(), 0.8)}
    title = "Handwritten digits: rewards to 0.8 success on unseen images"
    return rewards_against(runs, ARMS, floors=floors, bits=known["observation_bits"], title=title)


sweep = digits((16, 64), (9600, 2000, 2000, 2000), replays=1, every=4)
