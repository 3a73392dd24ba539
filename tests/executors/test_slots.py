"""Cores that workers of one machine share."""

import os

from regimax.executors.slots import slot


def test_nobody_else_holds_a_core_that_is_held(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5}, raising=False)
    with slot(2) as first, slot(1) as second, slot(1) as third:
        assert (first, second, third) == ([3, 4], [5], [])
    with slot(3) as again:
        assert again == [3, 4, 5]
