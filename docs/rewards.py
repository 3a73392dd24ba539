"""What is kept of runs of sweeps that are no claims, and their figure: rewards against observations, a phase diagram.

``NAME/``, as `kept.py` keeps a claim's run, and ``NAME.svg``, for the sweep file NAME whose `figure` draws them.

Command: python docs/rewards.py sweeps/rewards_digits.py docs/results [RUN …]
Without runs it draws again those that are kept. It needs Chromium, through playwright.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from kept import keep_runs, runs
from svg import draw

from regimax.sweep.files import load_file


def main(sweep: Path, target: Path, new: Sequence[Path]) -> None:
    """Keeps new runs in place of the old, if there are any, and draws."""
    kept = target / sweep.stem
    if new:
        shutil.rmtree(kept, ignore_errors=True)
        keep_runs({path.name: path for path in new}, kept, {})
    draw([(kept.with_suffix(".svg"), load_file(sweep).figure(list(runs(kept).values())))])


if __name__ == "__main__":
    given, folder, *others = map(Path, sys.argv[1:])
    main(given, folder, others)
