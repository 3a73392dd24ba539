"""The figure of rewards against observations for each, of a sweep that draws one of several runs.

Command: python docs/rewards.py sweeps/rewards_digits.py RUN [RUN …] docs/results/rewards_digits.svg
It needs Chromium, through playwright.
"""

import sys
from pathlib import Path

from svg import draw

import regimax as rx
from regimax.sweep.files import load_file

if __name__ == "__main__":
    sweep, *runs, target = map(Path, sys.argv[1:])
    draw([(target, load_file(sweep).figure([rx.load_run(run) for run in runs]))])
