"""How long a command takes, and all that it begins."""

import importlib
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"
BUSY = "import time\nuntil = time.process_time() + 0.4\nwhile time.process_time() < until: pass"
TWICE = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\n{BUSY}\ntime.sleep(0.7)"


def test_what_a_command_begins_counts_with_it(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    workers = importlib.import_module("workers")
    environment = os.environ | {workers.MARK: f"test-{os.getpid()}"}
    seconds, cpu = workers.timed([sys.executable, "-c", TWICE], 1, environment)
    assert seconds > 1.5
    assert 0.4 <= cpu < 1.5  # of the one that ended between two looks at most half a second is missed
    assert set(workers.BESIDE) | set(workers.BESIDE.values()) == set(workers.KINDS)
