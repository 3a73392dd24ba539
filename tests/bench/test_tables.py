"""What a user sees fits 100 columns and says what was found."""

import io
import json

import pytest
from rich.console import Console

from regimax.bench import tables
from regimax.bench.ceilings import Ceiling


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=tables.WIDTH)


def lines(console):
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert max(map(len, printed)) <= tables.WIDTH
    return printed


def test_a_workload(console, found):
    tables.workload(console, "ppo-cartpole", found["workloads"]["ppo-cartpole"])
    printed = lines(console)
    [header] = [line for line in printed if line.startswith("lanes")]
    assert header.split() == "lanes block dev. steps/s worst updates/s FLOP/s large small host".split()
    rows = printed[printed.index(header) + 1 :][:3]
    assert [row.split()[:4] for row in rows] == [
        ["8", "8", "1", "154"],
        ["16", "8", "2", "292"],
        ["32", "8", "2", "301"],
    ]
    text = "\n".join(printed)
    assert "knee: 16 lanes on 2 devices" in text
    assert "binds there: other operations" in text
    assert "as many lanes on each: 1: 1.00×, 2: 1.90×" in text
    assert "compiled in 8.2 s" in text
    assert "are 1.2% of the FLOPs and take at most 7% of the time" in text


def test_an_accelerators_table_has_a_compile_time_per_width(console, found):
    workload = found["workloads"]["ppo-cartpole"]
    for i, p in enumerate(workload["points"]):
        p.update(lanes=1_048_576 * (i + 1), block=1_048_576 * (i + 1), devices=128, compile_seconds=123.4)
    workload["knee"] = {key: workload["points"][2][key] for key in ("lanes", "block", "devices")}
    tables.workload(console, "ppo-cartpole", workload)
    assert sum(line.endswith("123.4") for line in lines(console)) == 3


def test_diverged_lanes_are_told(found):
    workload = found["workloads"]["ppo-cartpole"]
    assert not any("diverged" in line for line in tables.verdict(workload))
    workload["points"][0]["diverged"] = 3
    assert any("3 lanes diverged" in line for line in tables.verdict(workload))


def test_a_machine_that_is_not_steady_is_told(found):
    workload = found["workloads"]["ppo-cartpole"]
    assert not any("not steady" in line for line in tables.verdict(workload))
    workload["points"][1]["updates_per_second_worst"] = workload["points"][1]["updates_per_second"] / 2
    assert any("not steady: a repetition took 2.0 times the median" in line for line in tables.verdict(workload))


def test_machine_ceilings_sweep_and_legend(console, found):
    tables.machine(console, found["machine"])
    tables.ceilings(console, [Ceiling(**c) for c in found["ceilings"]])
    tables.sweep(console, "sweep-flagship", found["workloads"]["sweep-flagship"])
    for paragraph in tables.LEGEND:
        console.print(paragraph)
    text = "\n".join(lines(console))
    assert "98.7 GFLOP/s" in text
    assert "197 GB/s" in text
    assert "128 cells in 144 stages · 1.80× fewer updates" in text
    assert "97%" in text


def test_comparison(console, found):
    before = json.loads(json.dumps(found))
    before["machine"]["devices"] = 1
    for p in before["workloads"]["ppo-cartpole"]["points"]:
        p["updates_per_second"] *= 2
    tables.comparison(console, "old.json", before, found)
    text = "\n".join(lines(console))
    assert "devices: 1 there, 2 here" in text
    assert "ppo-cartpole: 0.50× (geometric mean)" in text
    assert "sweep-flagship: 1.00×" in text
