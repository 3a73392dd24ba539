"""Numbers that pages tell of runs which are kept are those of the runs."""

import ast
import importlib.util
import itertools
import json
import re
import sys
from pathlib import Path

import pytest

from regimax.report import statistics as st

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs" / "results"
PER_REWARD = "observations_per_reward"
ARMS = {
    "`pure_rl`, A2C": "pure_rl-A2C",
    "`pure_rl`, Q-learning that replays what it was paid": "pure_rl-Q",
    "`pure_rl`, Q-learning": "pure_rl-Q",
    "`always_on`, gradients stopped, Q-learning": "always_on",
    "`always_on`, gradients shared, Q-learning": "always_on-shared",
    "`pretrain_rl`, heads alone, A2C": "pretrain_rl-A2C",
    "`pretrain_rl`, heads alone, Q-learning": "pretrain_rl",
    "`oracle`, Q-learning": "oracle",
}


def program(name):
    """A program of the documentation, as a module."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)  # as its dataclasses and annotations ask
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def kept(name):
    """The runs of a folder of kept results."""
    return list(program("kept").runs(KEPT / name).values())


def median(runs, arm, observations):
    """Rewards to the threshold as the page writes them."""
    for run in runs:
        here = run.cells.filter((run.cells["regime"] == arm) & (run.cells[PER_REWARD] == observations))
        if len(here):
            found = st.median_time(st.times(run, arm, unit="rewards_delivered", where={PER_REWARD: observations}))
            return f"{found.low:,.0f}" if found.value is None else f"{found.value:,.0f}", found.value is None
    raise KeyError(f"no cells of {arm} at {observations}")


def cut(lines):
    """The entries of a table in Markdown, row by row, but for the line below its head."""
    head, _, *rows = [[part.strip() for part in line.strip().strip("|").split("|")] for line in lines]
    return [head, *rows]


def table(head):
    """The rows of the table of the findings that begins so: name and entries; and the entries of its head."""
    page = (ROOT / "docs" / "findings.md").read_text()
    [text] = re.findall(rf"(?m)^(\| {re.escape(head)}.*\n(?:\|.*\n)+)", page)
    return cut(text.splitlines())


def made(name):
    """The first table of what is kept of a small sweep, as `docs/tables.py` prints it."""
    program("kept")
    lines = program("tables").lines(KEPT / "small" / name)
    return cut(list(itertools.takewhile(lambda line: line.startswith("|"), lines)))


@pytest.mark.parametrize(
    ("head", "name"), [("rewards to 0.9, median of 16", "c06_always_on"), ("rewards to 0.8", "rewards_digits")]
)
def test_rewards_of_the_findings_are_those_of_the_kept_runs(head, name):
    runs, ((_, *numbers), *rows) = kept(name), table(head)
    told, found = {}, {}
    for arm, *entries in rows:
        if arm in ARMS:
            for n, entry in zip(map(int, numbers), entries, strict=True):
                if entry == "–":  # not run
                    continue
                told[arm, n] = entry
                text, bound = median(runs, ARMS[arm], n)
                found[arm, n] = f"> {text}" if bound else text
    assert told == found
    assert len(told) >= 20


def test_rewards_of_the_readme_are_those_of_the_kept_runs():
    runs = kept("rewards_digits")
    [(scratch, ours)] = re.findall(
        r"([\d,]+) rewards against ([\d,]+) at 64 observations", (ROOT / "README.md").read_text()
    )
    assert (scratch, ours) == (median(runs, "pure_rl-Q", 64)[0], median(runs, "always_on", 64)[0])


@pytest.mark.parametrize(
    ("head", "name"), [("paid for", "quickstart"), ("looks of each value", "exemplar"), ("depth of the lock", "lock")]
)
def test_tables_of_the_findings_are_those_of_the_kept_small_runs(head, name):
    (_, *columns), *told = table(head)
    (_, *their_columns), *found = made(name)
    if name == "lock":  # the page leaves out slopes and who looks for what is new
        found = [row[:-1] for row in found[: len(told)]]
    else:
        assert columns == [f"`{arm}`" for arm in their_columns]
    assert [row[1:] for row in told] == [row[1:] for row in found]


def test_learners_from_scratch_are_told_as_they_were_kept():
    names = {"A2C": "A2C", "A2C on both looks": "A2C-views", "PPO, 4 epochs": "PPO"}
    names |= {"Q-learning, 4 updates a rollout": "Q-4", "16 updates": "Q-16"}
    (_, *arms), (_, *episodes), (_, *flops) = table("from scratch")
    found = {row[0]: row for row in made("from_scratch")[1:]}
    for arm, number, spent in zip(arms, episodes, flops, strict=True):
        *_, took, cost = found[names[arm]]
        assert took.split()[0] == number
        assert f"{float(cost.split()[0]) / 1e9:.1f}" == spent


CLAIMS = {one["id"]: one for one in json.loads((KEPT / "claims.json").read_text())}
NUMBER = r"([−-]?\d[\d,.]*)"
INTERVAL = re.compile(rf"{NUMBER} \({NUMBER} to {NUMBER}\)")


def as_written(text, value):
    """Whether a number is what is written, to as many digits."""
    plain = text.replace("−", "-").replace(",", "")
    digits = len(plain.partition(".")[2])
    return value is not None and float(plain) == pytest.approx(round(value, digits), abs=1e-9)


def intervals(claim):
    """Of all checks of a verdict: value, low, high."""
    verdict = CLAIMS[claim]["verdict"]
    checks = [check for kind in ("claim", "assay", "control", "null") for check in verdict[kind]]
    return [(check["value"], check["low"], check["high"]) for check in checks]


def measured(claim):
    """What the claim's file says was measured."""
    text = ast.get_docstring(ast.parse((ROOT / "sweeps" / f"{CLAIMS[claim]['name']}.py").read_text()))
    return " ".join(text.partition("Measured:")[2].partition("What speaks against it")[0].split())


def row(claim):
    """What the findings tell of a claim."""
    [found] = re.findall(rf"(?m)^\| {claim}\. .*$", (ROOT / "docs" / "findings.md").read_text())
    return found


@pytest.mark.parametrize("where", [row, measured])
@pytest.mark.parametrize("claim", CLAIMS)
def test_intervals_that_are_told_are_those_of_the_verdicts(claim, where):
    known = intervals(claim)
    for told in INTERVAL.findall(where(claim)):
        assert any(all(map(as_written, told, one)) for one in known), told


def test_there_are_intervals_to_compare():
    assert sum(len(INTERVAL.findall(where(claim))) for claim in CLAIMS for where in (row, measured)) > 30
