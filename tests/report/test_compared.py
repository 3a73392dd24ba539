"""Medians against a setting: what is on offer, what is taken, and what a reader can make of them in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from regimax.report import render, summary, write
from regimax.report.compared import compared, first
from regimax.report.facets import panel_settings

from .test_page import OWN_AXES, REGIMES, SETTINGS, make_meta, make_own_axis, make_run


def test_medians_are_those_of_the_summary() -> None:
    table, _ = make_run(REGIMES, SETTINGS, 4, pending=5)
    found = compared(table, ["reward.erasure"])
    assert found.axes == {"reward.erasure": [0.0, 0.5]}
    groups = {(group["setting"], group["regime"]): group for group in found.groups}
    for row in summary(table).iter_rows(named=True):
        if not row["finished"]:
            assert (row["setting"], row["regime"]) not in groups
            continue
        group = groups[row["setting"], row["regime"]]
        of = group["of"]
        assert (group["seeds"], group["solved"]) == (row["finished"], row["solved"])
        assert of["success"] == [
            *(pytest.approx(row[f"success_{q}"], rel=1e-5) for q in ("median", "q25", "q75")),
            False,
        ]
        assert of["solved"][:3] == [
            pytest.approx(row[f"solved_{name}"], rel=1e-5) for name in ("fraction", "low", "high")
        ]
        for column, unit in (("solved_at_env_step", "env_steps"), ("solved_at_flops", "flops")):
            assert of[column][0] == pytest.approx(row[f"threshold_{unit}"], rel=1e-5)
            assert of[column][3] == row["threshold_censored"]


def test_a_failure_is_neither_dropped_nor_an_effort() -> None:
    table, _ = make_run(["pure_rl", "oracle"], ["easy", "hard"], 4)
    reached = pl.Series([100, 200, 300, None, 100, None, None, None, 400, 400, 400, 400, 500, 500, 500, 500])
    table = table.with_columns(solved_at_env_step=reached, solved_at_update=reached // 100, env_steps=pl.lit(900))
    of = [group["of"]["solved_at_env_step"] for group in compared(table, []).groups]
    assert of[0] == [250.0, 175.0, None, False]  # the upper quartile lies among those that never got there
    assert of[1] == [900.0, None, None, True]
    assert of[2] == [400.0, 400.0, 400.0, False]


def test_what_is_the_same_everywhere_is_not_on_offer() -> None:
    table, _ = make_run(REGIMES, SETTINGS, 4)
    columns = [measure.column for measure in compared(table, ["reward.erasure"]).measures]
    assert {"success", "solved", "solved_at_flops", "flops"} <= set(columns)
    assert "passive_steps" not in columns
    assert compared(table.with_columns(status=pl.lit("pending")), []).groups == []


def test_it_opens_on_what_has_an_answer() -> None:
    table, _ = make_own_axis()
    found = compared(table, OWN_AXES)
    assert found.axes == {"world.depth": [1, 2], "pretrain.updates": [10, 100, 1000]}
    assert first(found) == {
        "vertical": "solved_at_env_step",
        "against": "world.depth",
        "facets": "pretrain.updates",
        "at": {"world.depth": 0, "pretrain.updates": 1},
    }
    assert first(compared(table, []))["against"] == "regime"
    never, _ = make_run(["pure_rl"], SETTINGS, 4, points=2)
    assert first(compared(never, ["reward.erasure"]))["vertical"] == "success"


def test_panels_of_a_design_that_varies_one_setting_at_a_time_hold_more_than_a_point() -> None:
    points = [(1, 0), (2, 0), (4, 0), (1, 1)]
    table = pl.concat(
        make_run(["oracle"], [f"a={a}, b={b}"], 2)[0].with_columns(a=pl.lit(a), b=pl.lit(b)) for a, b in points
    )
    chosen = first(compared(table, ["a", "b"]))
    assert (chosen["facets"], chosen["at"]) == ("", {"a": 0, "b": 0})


def test_an_axis_of_two_regimes_each() -> None:
    rows = [("pure_rl", "", None, None), ("a_rl", "a=1", 1, None), ("a_rl", "a=2", 2, None), ("b_rl", "b=1", None, 1)]
    table = pl.DataFrame(rows, schema=["regime", "setting", "a", "b"], orient="row")
    assert panel_settings(table, ["a", "b"]) == {
        "a=1": {"a_rl": "a=1", "pure_rl": ""},
        "a=2": {"a_rl": "a=2", "pure_rl": ""},
        "b=1": {"b_rl": "b=1", "pure_rl": ""},
    }
    assert panel_settings(table.head(1), ["a", "b"]) == {"": {"pure_rl": ""}}
    assert panel_settings(table, []) == {setting: {r: setting} for r, setting, *_ in rows}


class Opened:
    """The page of a run with an axis of its own, in a browser."""

    def __init__(self, page: Any, target: Path) -> None:
        self.page, self.target = page, target
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.go("")

    def go(self, choices: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(self.target.as_uri() + choices)
        self.page.wait_for_selector("html[data-ready=yes]", timeout=20_000)

    def titles(self) -> list[str]:
        return self.page.locator("#compared-panels figcaption").all_inner_texts()

    def traces(self, panel: int = 0) -> dict[str, list[list[float | None]]]:
        """By regime, x and y of its first trace."""
        node = f"document.querySelectorAll('#compared-panels .plot')[{panel}]"
        found = self.page.evaluate(f"{node}.data.map((t) => [t.name, [...t.x], [...t.y]])")
        return {name: [x, y] for name, x, y in reversed(found)}


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    target = tmp_path_factory.mktemp("report") / "report.html"
    write(target, render(make_meta(axes=OWN_AXES, threshold=0.95), *make_own_axis()))
    return Opened(browser.new_page(viewport={"width": 1280, "height": 900}), target)


def test_browser_draws_small_multiples(opened: Opened) -> None:
    assert (
        opened.page.locator("#compared-title").inner_text() == "Environment steps to the threshold against world.depth"
    )
    assert opened.titles() == [f"pretrain.updates = {budget}" for budget in (10, 100, 1000)]
    less, most = opened.traces(0), opened.traces(2)
    assert list(less) == list(reversed(REGIMES))
    assert less["oracle"] == most["oracle"]  # which has no such axis, and stands in every panel
    assert less["oracle"][0] == [1, 2]
    assert [a - b for a, b in zip(less["pretrain_rl"][1], most["pretrain_rl"][1], strict=True)] == [800, 800]
    assert most["pure_rl"][1] == [None, None]  # a lower bound is no point of the line
    assert "hollow triangle" in opened.page.locator("#compared-note").inner_text()
    assert opened.complaints == []


def test_browser_changes_axes_and_panels_and_says_so_in_the_address(opened: Opened) -> None:
    page = opened.page
    page.select_option("#vertical", "success")
    page.select_option("#against", "pretrain.updates")
    assert page.input_value("#facets") == ""  # what is on the axis is no facet
    assert opened.titles() == [""]
    assert page.locator("#compared-title").inner_text() == "Final success against pretrain.updates"
    assert opened.traces()["pretrain_rl"][0] == [10, 100, 1000]
    across = opened.traces()["oracle"]
    assert across[0][0] < 10
    assert across[0][1] > 1000
    assert across[1][0] == across[1][1]
    note = page.locator("#compared-note").inner_text()
    assert "Only cells with world.depth = 1." in note
    assert "A line across is a regime that has no pretrain.updates." in note

    page.select_option("select[data-at='world.depth']", label="2")
    assert "Only cells with world.depth = 2." in page.locator("#compared-note").inner_text()
    page.click("#compared .legend button[data-regime=pure_rl]")
    assert set(opened.traces()) == {"pretrain_rl", "oracle"}
    page.select_option("#facets", "world.depth")
    assert opened.titles() == ["world.depth = 1", "world.depth = 2"]
    assert not page.locator("select[data-at='world.depth']").is_visible()
    choices = page.evaluate("location.hash")
    drawn = opened.traces(1)
    assert "vertical=success" in choices
    assert "hidden=pure_rl" in choices

    opened.go("")
    assert len(opened.titles()) == 3
    opened.go(choices)
    assert opened.titles() == ["world.depth = 1", "world.depth = 2"]
    assert opened.traces(1) == drawn
    assert page.locator("#curves .legend button[data-regime=pure_rl]").get_attribute("aria-pressed") == "false"
    opened.go("#vertical=nothing&against=__proto__&panels=x&at.world.depth=9&hidden=nobody&effort=1e9")
    assert len(opened.titles()) == 3
    assert page.evaluate("location.hash") != ""  # what is not understood is left alone until something is chosen
    opened.go("")
    page.select_option("#vertical", "success")
    assert page.evaluate("location.hash") == "#vertical=success"
    page.select_option("#vertical", "solved_at_env_step")
    assert page.evaluate("location.href") == opened.target.as_uri()
    assert opened.complaints == []


def test_browser_is_steered_by_keys(opened: Opened) -> None:
    opened.page.focus("#vertical")
    opened.page.keyboard.press("Home")
    opened.page.wait_for_function("document.getElementById('compared-title').textContent.startsWith('Final success')")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "against"
    opened.page.keyboard.press("End")
    opened.page.wait_for_function("document.getElementById('compared-title').textContent.endsWith('by regime')")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "facets"
    opened.go("")
    assert opened.complaints == []


def test_browser_leads_from_a_mark_to_its_cells(opened: Opened) -> None:
    opened.page.evaluate(
        "(() => { const node = document.querySelectorAll('#compared-panels .plot')[1];"
        " const data = node.data.find((t) => t.name === 'pretrain_rl');"
        " node.emit('plotly_click', { points: [{ data, pointIndex: 1 }] }); })()"
    )
    opened.page.wait_for_selector("#cell-table tbody tr")
    rows = opened.page.locator("#cell-table tbody tr").all_inner_texts()
    assert len(rows) >= 4
    assert all("pretrain_rl" in row and "world.depth=2, pretrain.updates=100" in row for row in rows)
    opened.go("")


@pytest.mark.parametrize("width", [390, 820, 1400])
def test_browser_never_scrolls_sideways(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    for against in ("world.depth", "pretrain.updates", "regime"):
        opened.page.select_option("#against", against)
        opened.page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=5_000)
    assert opened.complaints == []


def test_browser_shows_names_from_outside_as_they_are(browser: Any, tmp_path: Path) -> None:
    evil = "<img src=x onerror='window.evil=1'><b>%{x}&amp;"
    table, curves = make_run([evil, "oracle"], [evil, "plain"], 2)
    table = table.with_columns(pl.col("setting").alias(evil), pl.col("seed").alias("b"))
    write(tmp_path / "report.html", render(make_meta(axes=[evil, "b"], regimes=[evil, "oracle"]), table, curves))
    seen = Opened(browser.new_page(viewport={"width": 1280, "height": 900}), tmp_path / "report.html")
    for against, facets in ((evil, "b"), ("b", evil), ("regime", evil)):
        seen.page.select_option("#against", against)
        seen.page.select_option("#facets", facets)
        assert seen.page.locator("#compared-title").inner_text().endswith(against)
        node = "document.querySelector('#compared-panels .plot')"
        seen.page.evaluate(f"Plotly.Fx.hover({node}, [{{ curveNumber: 0, pointNumber: 0 }}])")
        assert evil in seen.page.locator("#compared-panels .hovertext").first.text_content()
        assert seen.page.evaluate("document.querySelectorAll('main img').length") == 0
    assert seen.titles()[0] == f"{evil} = {evil}"  # an axis with a dot is a setting, and named before its value
    assert seen.page.evaluate("window.evil ?? null") is None
    assert seen.complaints == []
    seen.page.close()
