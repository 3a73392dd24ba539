"""The page that stands beside the literature tells what the kept runs say, and what it names can be run."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def calibration():
    """The script of the page, which imports one that lies beside it."""
    sys.path.insert(0, str(DOCS))
    spec = importlib.util.spec_from_file_location("calibration", DOCS / "calibration.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(DOCS))
    return module


def test_its_numbers_are_those_of_the_kept_runs(calibration, tmp_path, monkeypatch):
    assert calibration.differences(DOCS / "results") == []
    text = calibration.PAGE.read_text()
    told = {name: re.search(rf"(?m)^\| \[.*\]\(#{name}\) \|.*$", text)[0] for name in calibration.ITEMS}
    wrong = text.replace(told["deep-sea"], re.sub(r"0\.\d\d", "9.99", told["deep-sea"]))
    (tmp_path / "page.md").write_text(wrong)
    few = {name: calibration.ITEMS[name] for name in ("deep-sea", "passive-learning")}
    monkeypatch.setattr(calibration, "ITEMS", few)
    assert calibration.differences(DOCS / "results", tmp_path / "page.md") == ["deep-sea"]


@pytest.mark.parametrize("other", ["0.55 (0.47 to 0.64); 16 pairs", "0.54 (0.46 to 0.63); 16 pairs"])
def test_what_is_rounded_otherwise_is_told_alike(calibration, other):
    assert calibration.told_alike("0.55 (0.47 to 0.63); 16 pairs", other)


@pytest.mark.parametrize(
    "other",
    ["0.55 (0.47 to 0.65); 16 pairs", "0.55 (0.47 to 0.63); 17 pairs", "0.55 (0.47 to 0.6); 16 pairs", "0.55 (0.47)"],
)
def test_what_is_another_number_is_not(calibration, other):
    assert not calibration.told_alike("0.55 (0.47 to 0.63); 16 pairs", other)


def test_every_sweep_of_the_folder_is_kept_and_told(calibration):
    from regimax.sweep.shipped import resolve_folder

    there = sorted(path.stem for path in resolve_folder(Path("sweeps/calibration")).glob("*.py"))
    kept = sorted(path.name.split(".")[0] for path in (DOCS / "results" / "calibration").glob("*.cells.parquet"))
    page = (DOCS / "calibration.md").read_text()
    assert sorted(calibration.SWEPT.values()) == there
    told = {name: re.search(rf"(?m)^\| \[.*\]\(#{name}\) \|.*$", page)[0] for name in calibration.SWEPT}
    assert kept == sorted(sweep for name, sweep in calibration.SWEPT.items() if "| not run yet |" not in told[name])
    for name in there:
        assert f"`regimax run sweeps/calibration/{name}.py`" in page
    sources = re.findall(r"(?m)^Published: (?:.+\n)+", page)
    assert len(sources) == 9
    assert all("https://" in source for source in sources)


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps" / "calibration").glob("*.py")), ids=lambda path: path.stem)
def test_sweeps_say_what_they_are_and_what_was_expected(path):
    from regimax.sweep import axes, files, spec

    text = path.read_text()
    if "envs.gymnax" in text:
        pytest.importorskip("gymnax")
    sweep = files.load(path)
    cells = len(sweep.regimes) * len(axes.points(sweep)) * len(spec.seed_list(sweep))
    assert re.search(rf"(?m)^Cells: {cells} in \d+ stages: ", text)
    assert f"Command: regimax run sweeps/calibration/{path.name}\n" in text
    for part in ("Time:", "Published:", "Expected: before the run, that ", "It agrees "):
        assert part in re.sub(r"\n  ", " ", text)
