"""What the comparison makes of what the ways say."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("peers")


def test_ratios_are_taken_turn_by_turn(peers):
    def rates(wall, cpu):
        return {"median_steps_per_second": wall, "median_steps_per_cpu_second": cpu}

    rows = {
        "regimax": [rates(s, 3.0) for s in (4.0, 9.0, 2.0)],
        "plain-shared": [rates(s, 2.0) for s in (2.0, 3.0, 2.0)],
    }
    [row] = peers.ratios(rows)
    assert (row["of"], row["to"], row["equal_work"]) == ("regimax", "plain-shared", True)
    assert (row["median"], row["smallest"], row["largest"]) == (2.0, 1.0, 3.0)
    assert row["per_cpu_second"] == {"median": 1.5, "smallest": 1.5, "largest": 1.5}


def test_curves_agree_within_the_interval_of_their_difference(peers):
    def end(mean, error):
        return {"return": mean, "standard_error": error, "agents": 5}

    # Welch with equal errors: 8 degrees of freedom, t = 2.306, so ± 2.306 · √2.
    near, far = (peers.agreement(end(100.0, 1.0), end(mean, 1.0)) for mean in (103.0, 104.0))
    assert near["interval"] == pytest.approx([-3.0 - 3.2612, -3.0 + 3.2612], abs=1e-3)
    assert (near["agrees"], far["agrees"]) == (True, False)
    assert peers.agreement(end(1.0, 1.0), {"return": 1.0, "standard_error": None, "agents": 1})["agrees"] is None


def test_updates_keep_the_work_of_all_agents_about_equal(peers):
    assert peers.updates_for(64, 64 * 512 * 90) == 90
    assert peers.updates_for(1, 10**9) == 1000
    assert peers.updates_for(4096, 10**6) == 25


def test_every_way_has_a_script_and_its_requirements(peers):
    for way in peers.WAYS.values():
        assert (FOLDER / way.script).is_file()
        if way.environment:
            assert "==" in (FOLDER / "requirements" / f"{way.environment}.txt").read_text()
    assert {name for pair in peers.PAIRS for name in pair[:2]} == set(peers.WAYS)


def test_speed_is_told_per_second_and_per_cpu_second(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    task = importlib.import_module("task")
    told = task.speed(agents=2, updates=3, spent=[task.Spent(2.0, 3.0), task.Spent(1.0, 1.5), task.Spent(4.0, 6.0)])
    steps = 2 * 3 * task.SETTINGS.steps_per_update
    assert (told["median_steps_per_second"], told["worst_steps_per_second"]) == (steps / 2.0, steps / 4.0)
    assert told["median_steps_per_cpu_second"] == steps / 3.0
