"""A busy machine is told, by its load and by what it once could do."""

import json
import os
from pathlib import Path

import pytest

from regimax.bench import busy
from regimax.bench.ceilings import Ceiling


def ceilings(large, small):
    return [Ceiling("large product", "8 × 8", "FLOP", 1, large, large), Ceiling("memory", "", "B", 2, small, small)]


def test_ceilings_far_below_the_best_that_was_seen_are_told(found):
    facts = found["machine"]
    assert busy.by_ceilings(ceilings(100.0, 10.0), facts) == []
    assert busy.by_ceilings(ceilings(120.0, 8.0), facts) == []
    [told] = busy.by_ceilings(ceilings(60.0, 10.0), facts)
    assert told.startswith("busy or throttled: large product, 8 × 8, 1 device: 50% of the best")
    assert len(busy.by_ceilings(ceilings(1.0, 1.0), facts)) == 2  # the best stays
    assert busy.by_ceilings(ceilings(1.0, 1.0), facts | {"cpu": "another"}) == []


@pytest.mark.parametrize("text", ["", "[1]", '{"here": 7}', '{"here": {"kernel": "fast"}}'])
def test_what_is_kept_is_never_in_the_way(found, text):
    path = Path(os.environ["XDG_CACHE_HOME"]) / "regimax" / "ceilings.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert busy.by_ceilings(ceilings(1.0, 1.0), found["machine"]) == []
    assert len(json.loads(path.read_text())) == 1


def test_where_nothing_can_be_kept_nothing_is_said(found, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert busy.by_ceilings(ceilings(1.0, 1.0), found["machine"]) == []


def test_the_load_counts_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (64.0, 0.0, 0.0))
    monkeypatch.setattr(busy, "cores", lambda: 8)
    assert busy.load() == ["busy: the load was 64.0 on 8 cores before anything was measured; figures may be too low"]
    monkeypatch.setattr(busy, "cores", lambda: 1024)
    assert busy.load() == []
