"""The driver over simulated workers."""

import importlib
import time
from pathlib import Path

import pytest

from regimax.executors import driver

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def simulated(monkeypatch):
    monkeypatch.setattr(driver, "time", time)  # which are put back
    monkeypatch.setattr(driver, "merge", driver.merge)
    monkeypatch.setattr(driver, "_see", driver._see)
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("driver")


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_every_share_is_run_and_nothing_ends_before_the_bound(simulated, lost):
    found = simulated.simulate(workers=4, stages=400, per_worker=4, lost=lost)
    assert found["shares"] == 16
    assert (found["attempts"] > 16) == (lost > 0)
    assert found["of the bound"] >= 1.0
