"""What is kept of the runs of small sweeps, of which the findings and the sweeps' first lines tell.

Each has a folder in ``docs/results/small``, as `kept.py` keeps a claim's run; `tables.py` makes its table as of a run.

Command: python docs/small.py docs/results/small RUN …
"""

import shutil
import sys
from pathlib import Path

from kept import keep_runs

import regimax as rx


def keep(target: Path, run: Path) -> Path:
    """Keeps a run under the name of its sweep, in place of an earlier one; returns the folder."""
    name = rx.load_run(run).facts["name"]
    folder = target / name
    shutil.rmtree(folder, ignore_errors=True)
    keep_runs({name: run}, folder, {})
    return folder


if __name__ == "__main__":
    place, *runs = map(Path, sys.argv[1:])
    for path in runs:
        print(keep(place, path))
