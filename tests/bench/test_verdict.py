"""The knee, what binds there, and scaling, on ladders made by hand."""

import pytest

from regimax.bench import verdict
from regimax.bench.verdict import Seen


def seen(lanes, rate, **changes):
    point = {"block": 8, "devices": 1, "tick_seconds": 0.1, "of_small": 0.2, "of_memory": 0.01, "waiting": 0.0}
    return Seen(lanes=lanes, rate=rate, **(point | changes))


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({8: 100.0}, 8),
        ({8: 100.0, 16: 200.0, 32: 400.0}, 32),
        ({8: 50.0, 16: 95.0, 32: 100.0, 64: 99.0}, 16),
        ({8: 50.0, 16: 94.9, 32: 100.0}, 32),
        ({8: 100.0, 16: 60.0, 32: 101.0}, 8),
    ],
    ids=["one", "rising", "just within 5%", "just outside 5%", "a dip does not count"],
)
def test_the_knee_is_the_narrowest_width_within_5_percent_of_the_best(rates, expected):
    points = [seen(lanes, rate) for lanes, rate in rates.items()]
    assert verdict.knee(points).lanes == expected
    assert verdict.knee(points[::-1]).lanes == expected


# Wherever two rules hold, the earlier one is the answer.
LIMITS = [
    ({"waiting": 0.25, "of_small": 0.9}, False, "host"),
    ({"waiting": 0.24, "of_small": 0.5, "of_memory": 0.9}, False, "compute"),
    ({"of_small": 0.49, "of_memory": 0.5}, True, "bandwidth"),
    ({}, True, "memory size"),
    ({}, False, "other operations"),
]


@pytest.mark.parametrize(("changes", "full", "expected"), LIMITS, ids=[name for *_, name in LIMITS])
def test_what_binds(changes, full, expected):
    assert verdict.limit([seen(8, 10.0), seen(16, 100.0, **changes)], full).name == expected


def test_memory_does_not_bind_where_the_knee_comes_before_it():
    assert verdict.limit([seen(8, 99.0), seen(16, 100.0)], True).name == "other operations"


@pytest.mark.parametrize(
    ("block", "tick", "expected"),
    [(16, 0.06, "latency"), (16, 0.05, "other operations"), (32, 0.06, "other operations")],
    ids=["flat", "half", "too near"],
)
def test_latency_binds_where_fewer_lanes_take_nearly_as_long(block, tick, expected):
    narrow = seen(block, 1.0, block=block, tick_seconds=tick)
    assert verdict.limit([narrow, seen(64, 100.0, block=64, tick_seconds=0.1)], False).name == expected
    on_others = narrow._replace(devices=2)
    assert verdict.limit([on_others, seen(64, 100.0, block=64)], False).name == "other operations"


def test_scaling_compares_equal_numbers_of_lanes_per_device():
    points = [
        seen(8, 100.0),
        seen(16, 190.0, devices=2),
        seen(32, 360.0, devices=4),
        seen(64, 500.0, devices=4),  # twice as many on each
        seen(32, 50.0, devices=4, block=32),
    ]
    assert verdict.scaling(points) == {1: 1.0, 2: 1.9, 4: 3.6}
    assert verdict.scaling(points[:1]) == {}
    assert verdict.scaling([seen(8, 1.0), seen(16, 2.0)]) == {}
