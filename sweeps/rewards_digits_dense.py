"""The same as `rewards_digits.py` where every decision is paid, or every fourth: each reward is replayed as often.

Command: regimax run sweeps/rewards_digits_dense.py
Cells: 96 in 104 stages: 6 regimes × 2 numbers of observations per reward × 8 worlds.
Time: about ten minutes of processor time, five on two quiet cores.
Table: python docs/tables.py runs/rewards_digits_dense
Expected: as told there.
"""

from rewards_digits import digits

sweep = digits((1, 4), (1600, 400, 400, 400), replays=16, every=1)
