"""What a sealed file holds is of this version's form, or it is told which place is not."""

import pytest

from regimax.sweep import disk, sealed
from regimax.sweep.disk import Damaged

DIGEST = "0" * 64
PARTS = {"part-000001.parquet": {"sha256": DIGEST, "environment": 0, "blocks": [8]}}
MANIFEST = {"complete": True, "seconds": 1.5, "environments": [{"jax": "0.10"}], "blocks": {"p": 8}, "curves": PARTS}
SWEEP = {
    "plan": {"folder": "000001", "files": {"cells.parquet": DIGEST}},
    "resolved": {"threshold": 0.9, "consecutive": 3, "more": None},
    "axes": ["a.x"],
    "seeds": 2,
    "versions": {"jax": "0.10"},
}


def test_what_this_version_writes_fits():
    assert list(sealed.misfits(MANIFEST, sealed.MANIFEST)) == []
    assert list(sealed.misfits(SWEEP, sealed.SWEEP)) == []


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"seconds": "1"}, "seconds"),
        ({"environments": None}, "environments"),
        ({"environments": [{"jax": 1}]}, "environments[0].jax"),
        ({"environments": []}, "curves.part-000001.parquet.environment"),
        ({"curves": {"../part-000001.parquet": PARTS["part-000001.parquet"]}}, "curves"),
        ({"curves": {"part-000001.parquet": {"environment": 0}}}, "curves.part-000001.parquet"),
        ({"curves": {"part-000001.parquet": {"environment": 0, "sha256": "x"}}}, "curves.part-000001.parquet.sha256"),
    ],
)
def test_a_manifest_of_another_form_is_told_with_the_place(tmp_path, changed, place):
    disk.write_json(tmp_path / "manifest.json", MANIFEST | changed)
    with pytest.raises(Damaged, match=f"of another version: {place.replace('[', '.').replace(']', '.')} is not"):
        disk.read_json(tmp_path / "manifest.json", sealed.MANIFEST)


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"plan": {"folder": "../x", "files": {}}}, "plan.folder"),
        ({"plan": {"folder": "000001"}}, "plan"),
        ({"resolved": {"threshold": 2, "consecutive": 3}}, "resolved.threshold"),
        ({"resolved": {"threshold": 0.9, "consecutive": 0}}, "resolved.consecutive"),
        ({"axes": [1]}, "axes[0]"),
    ],
)
def test_a_sweep_of_another_form_is_told_with_the_place(changed, place):
    assert next(sealed.misfits(SWEEP | changed, sealed.SWEEP)) == place


def test_a_key_that_is_missing_is_told(tmp_path):
    disk.write_json(tmp_path / "sweep.json", SWEEP)
    found = disk.read_json(tmp_path / "sweep.json", sealed.SWEEP)
    assert found["seeds"] == 2
    with pytest.raises(Damaged, match="of another version: it has no 'regimes'"):
        _ = found["regimes"]
