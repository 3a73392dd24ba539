"""The report of a run that goes on."""

from pathlib import Path

import pytest

from regimax.report import run

COMMITS = [None, None, {"step": 1}, {"step": 1}, {"step": 2}, {"step": 3, "complete": True}]


@pytest.fixture
def written(monkeypatch):
    """What is committed at each look, and at which looks the page was written."""
    looks, pages = iter(enumerate(COMMITS)), []

    def look(path):
        at, manifest = next(looks)
        pages.append([at, 0])
        return manifest and {"complete": False} | manifest

    def write(path, refresh):
        pages[-1][1] += 1
        return path / "report.html"

    monkeypatch.setattr(run.store, "newest_manifest", look)
    monkeypatch.setattr(run, "write_report", write)
    return pages


def test_it_is_renewed_when_more_is_committed_until_all_is(written):
    assert list(run.renewals(Path("out"), every=0.0)) == [Path("out/report.html")] * 4
    assert written == [[0, 1], [1, 0], [2, 1], [3, 0], [4, 1], [5, 1]]
