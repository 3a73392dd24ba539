"""The power that a plan tells before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import regimax as rx
from regimax.claims import load_claim
from regimax.claims.pilot import power_line, powers
from regimax.cli import main
from regimax.report import statistics as st

CODE = Path(__file__).parents[2]
RESULTS = {one["name"]: one for one in json.loads((CODE / "docs" / "results" / "claims.json").read_text())}


def claim_with(*pilot: rx.Pilot, seeds: int = 16, **sweeps: int) -> rx.Claim:
    regimes = [rx.regimes.pure_rl(updates=4)]
    small = {name: rx.Sweep(rx.envs.Cipher(), regimes, seeds=n) for name, n in ({"main": seeds} | sweeps).items()}
    return rx.Claim("T", "?", small, lambda run: None, assay="none", pilot=pilot)


def test_the_power_is_that_of_planted_worlds():
    pilot = rx.Pilot("gain", expected=0.8, spread=0.5, above=0.4)
    [row] = powers(claim_with(pilot), "small")
    assert (row["worlds"], row["holds"]) == (16, True)
    rng = np.random.default_rng(0)
    shown = [st.median_interval(x, x).low > 0.4 for x in rng.normal(0.8, 0.5, size=(2000, 16))]
    assert row["power"] == pytest.approx(np.mean(shown), abs=0.03)
    assert row["needed"] == st.worlds_needed(0.4, 0.5)
    more = powers(claim_with(pilot, seeds=row["needed"]), "small")[0]
    assert row["power"] < 0.8 <= more["power"]


def test_a_pilot_may_expect_that_a_check_fails_and_counts_the_nearest_border():
    rows = powers(
        claim_with(
            rx.Pilot("left", expected=0.9, spread=0.2, below=0.25),
            rx.Pilot("same", expected=0.3, spread=0.2, above=-0.5, below=0.5),
            rx.Pilot("at the border", expected=0.5, spread=0.2, above=0.5),
        ),
        "small",
    )
    assert [row["holds"] for row in rows] == [False, True, False]
    assert rows[1]["power"] == pytest.approx(st.power(0.2, 0.2, 16))
    assert rows[2]["needed"] is None
    assert "shown to fail by 0.99 of runs of 16 worlds" in power_line(rows[0])
    assert "> -0.5 and < 0.5 asked" in power_line(rows[1])
    assert power_line(rows[2]).endswith("no number gives 0.8")


def test_of_several_sweeps_the_fewest_worlds_count_unless_one_is_named():
    pilot = {"expected": 1.0, "spread": 1.0, "above": 0.0}
    rows = powers(claim_with(rx.Pilot("a", **pilot), rx.Pilot("b", **pilot, sweep="main"), null=8), "small")
    assert [row["worlds"] for row in rows] == [8, 16]
    with pytest.raises(rx.UserError, match="unknown sweep of a pilot: 'mian'"):
        powers(claim_with(rx.Pilot("a", **pilot, sweep="mian")), "small")


def test_a_pilot_without_border_or_spread_is_refused():
    with pytest.raises(rx.UserError, match="give above or below"):
        rx.Pilot("a", expected=1.0, spread=1.0)
    with pytest.raises(rx.UserError, match="must be positive, found 0"):
        rx.Pilot("a", expected=1.0, spread=0.0, above=0.0)


@pytest.mark.parametrize("path", sorted((CODE / "sweeps").glob("c[0-9][0-9]_*.py")), ids=lambda path: path.stem)
def test_pilots_are_of_checks_that_the_rule_makes(path):
    kept: dict[str, set[str]] = {}
    for check in RESULTS[path.stem]["verdict"]["claim"]:
        kept.setdefault(check["name"], set()).add(check["text"])
    for one in load_claim(path).pilot:
        above = set() if one.above is None else {f"{one.check} > {one.above:g}"}
        below = set() if one.below is None else {f"{one.check} < {one.below:g}"}
        between = {f"{one.above:g} < {one.check} < {one.below:g}"} if above and below else None
        assert kept.get(one.check) in (None, above | below, between)
        # The rule has made it, or names it: then it stands there twice, the pilot's and the rule's.
        assert one.check in kept or path.read_text().count(f'"{one.check}"') >= 2


def test_plan_prints_it(tiny, capsys):
    expected = 'pilot=[rx.Pilot("gain", expected=0.0, spread=1.0, above=-2.0)],'
    tiny.write_text(tiny.read_text().replace('    assay="none",\n', f'    assay="none",\n    {expected}\n'))
    assert main(["plan", str(tiny)]) == 0
    told = capsys.readouterr().out
    assert "power: gain, 0 expected, > -2 asked, spread 1: shown to hold by 0 of runs of 2 worlds; 6 give 0.8" in told
    assert main(["plan", str(tiny), "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["power"]
    assert (row["check"], row["worlds"], row["needed"]) == ("gain", 2, 6)
