"""What is written is what is read, and what compares."""

import json
from pathlib import Path

import pytest

from regimax.bench import result
from regimax.errors import UserError


def test_a_result_comes_back_as_it_was(found):
    path = Path("result.json")
    result.write(path, found)
    back = result.read(path)
    assert back.pop("kind") == result.KIND
    assert back.pop("format") == result.FORMAT
    assert back == found
    assert [p.name for p in Path().iterdir()] == ["result.json"]


def test_ratios_point_by_point(found):
    before = json.loads(json.dumps(found))
    for point in before["workloads"]["ppo-cartpole"]["points"]:
        point["updates_per_second"] /= 2
    del before["workloads"]["ppo-cartpole"]["points"][0]
    before["workloads"]["ppo-cartpole"]["points"][0]["block"] = 16  # another program: not the same point
    ratios = result.ratios(before, found)
    assert [(r.workload, r.lanes, r.block, r.devices, r.ratio) for r in ratios] == [
        ("ppo-cartpole", 32, 8, 2, 2.0),
        ("sweep-flagship", 64, 8, 2, 1.0),
    ]
    assert result.only_in_one(before, found) == 3
    del before["workloads"]["ppo-cartpole"]
    assert result.only_in_one(before, found) == 0  # widths of a workload that one of them has not do not count


def test_geometric_mean():
    assert result.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)


def test_differences_between_machines_are_said(found):
    before = json.loads(json.dumps(found))
    assert result.differences(before, found) == []
    before["machine"]["device"] = "NVIDIA H100"
    before["machine"]["versions"]["jax"] = "0.11.0"
    del before["machine"]["versions"]["jaxlib"]
    assert result.differences(before, found) == [
        "device: NVIDIA H100 there, cpu here",
        "jax: 0.11.0 there, 0.10.2 here",
        "jaxlib: not installed there, 0.10.2 here",
    ]


def test_another_version_of_a_workload_is_refused(found):
    versions = {"ppo-cartpole": 1, "sweep-flagship": 1, "cipher-rl": 7}
    result.check_comparable(found, versions, Path("old.json"))
    with pytest.raises(UserError, match=r"'old\.json' has version 1 of 'ppo-cartpole', this regimax version 2"):
        result.check_comparable(found, versions | {"ppo-cartpole": 2}, Path("old.json"))
    with pytest.raises(UserError, match="none of the workloads cipher-rl; it has ppo-cartpole, sweep-flagship"):
        result.check_comparable(found, {"cipher-rl": 7}, Path("old.json"))
