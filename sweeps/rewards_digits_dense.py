"""The same as `rewards_digits.py` where every decision is paid, or every fourth: each reward is replayed as often.

Command: regimax run sweeps/rewards_digits_dense.py
Cells: 96 in 104 stages: 6 regimes × 2 numbers of observations per reward × 8 worlds.
Table: python docs/tables.py runs/rewards_digits_dense
"""

from rewards_digits import digits

sweep = digits((1, 4), (1600, 400, 200, 400), replays=16, every=1)
