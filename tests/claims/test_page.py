"""The page of claims: what it says, what it must not do, and how it behaves in a browser."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from regimax.claims.judge import Judged, inconclusive
from regimax.claims.page import checks, effect, render
from regimax.claims.tuning import Trial
from regimax.report import write
from regimax.report.packed import unpacked
from regimax.report.statistics import Estimate, above, below, decide

CELLS = pl.DataFrame({"status": ["done"] * 4, "flops": 1.0, "env_steps": 8, "passive_steps": 0})


def verdict(low: float, high: float) -> Any:
    saved = Estimate((low + high) / 2, low, high, "ln ratio", 16, method="order statistics")
    sham = Estimate(0.0, -0.1, 0.2, "ln ratio", 16)
    room = above("room: oracle", saved._replace(low=2.0, high=3.0), 1.0)
    return decide(
        [above("gain", saved, 0.0)], assay=[room], control=[below("gain of the sham", sham, 0.5)], cells=CELLS
    )


def trials() -> list[Trial]:
    edge = ["rl.learning_rate"]
    return [
        Trial(regime, {"looks": looks}, {edge[0]: rate}, score, 4, 0, score == 0.9, edge if score == 0.9 else [])
        for regime in ("pure_rl", "oracle")
        for looks in (1, 8)
        for rate, score in ((0.001, 0.5), (0.01, 0.9))
    ]  # fmt: skip


def figure(title: str) -> go.Figure:
    line = go.Scatter(
        x=np.array([1, 8, 64]), y=[1.0, math.nan, 3.0], name="pure_rl", line={"color": "#0072b2"},
        error_y={"type": "data", "array": [0.1, 0.1, 0.2], "arrayminus": [0.2, 0.1, 0.1]},
    )  # fmt: skip
    other = go.Scatter(
        x=[1, 8, 64], y=[1.0, 1.5, 2.0], name='orac"le', fillcolor="rgba(213, 94, 0, 0.13)", fill="tozeroy"
    )
    return go.Figure([line, other], {"title": {"text": title}, "xaxis": {"title": {"text": "looks"}, "type": "log"}})


def heat() -> go.Figure:
    return go.Figure(
        go.Heatmap(x=[1, 2], y=[3, 4], z=np.array([[0.1, 0.2], [0.3, 0.4]]), name="map"), {"title": {"text": "Map"}}
    )


def judged(name: str, outcome: Any, figures: list[go.Figure], **more: Any) -> Judged:
    return Judged(
        name.upper(), name, f"What of {name}?", "small", outcome, "the sham", "one look",
        {"tuning": (8, 8), "result": (96, 96)},
        {"flops_executed": 2e12, "env_steps": 1e6, "passive_steps": 0.0, "seconds": 61.0},
        {"main": {"metric": "success", "summary": "area", "seeds": [100, 101], "trials": trials()}},
        figures, f"regimax run sweeps/{name}.py", [],
    )._replace(**more)  # fmt: skip


def make() -> list[Judged]:
    waiting = inconclusive("unfinished: 3 of 96 cells of the result are pending", "Supported iff so.")
    return [
        judged("c01", verdict(0.5, 0.9), [figure("Effort as looks grow"), heat()]),
        judged("c02", verdict(-0.9, -0.1), [figure("Nothing")], notes=["The claim's file was changed."]),
        judged("c03", waiting, [], cells={"tuning": (8, 8), "result": (93, 96)}),
        judged("c10", inconclusive("not begun"), [], cells={}, effort={}, tuning={}),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return render(make(), "runs")


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="claims-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(unpacked(found[1]))


def test_page_says_what_came_out_and_how(page: str, tags: Any) -> None:
    text = " ".join("".join(tags(page).text).split())
    for expected in (
        "✓ supported", "✕ refuted", "? inconclusive", "0.7 (0.5 to 0.9) ln ratio", "−0.5 (−0.9 to −0.1) ln ratio",
        "Unfinished: 3 of 96 cells of the result are pending", "Not begun", "93 of 96", "Effort as looks grow",
        "regimax run sweeps/c01.py", "▸ 0.900", "At an end of the grid: oracle (rl.learning_rate)",
        "2 worlds of their own", "supported in error at most 2.5 %", "gain of the sham < 0.5", "1 min 1 s wall clock",
        "The claim's file was changed.", "Supported iff so.",
    ):  # fmt: skip
        assert expected in text.replace("\u00a0", " "), expected
    assert len(embedded(page)["figures"]) == 3
    assert embedded(page)["figures"][0]["data"][0]["y"] == [1.0, None, 3.0]
    assert [one["verdict"]["outcome"] for one in embedded(page)["claims"]] == [
        "supported",
        "refuted",
        "inconclusive",
        "inconclusive",
    ]


def test_page_loads_nothing(page: str, tags: Any) -> None:
    for tag, attributes in tags(page).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert not {"src", "srcset", "data"} & set(attributes), (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    own = re.sub(r'<script type="text/plain".*?</script>', "", page, flags=re.DOTALL)
    assert len(own) < len(page) / 10
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|@import|url\(", own)
    assert "default-src 'none'" in own


def test_everything_from_outside_is_escaped(tags: Any) -> None:
    evil = "</script><script>alert(1)</script><b>&\"'%{x}"
    bad = judged(
        evil,
        inconclusive(evil, evil),
        [figure(evil)],
        notes=[evil],
        control=evil,
        null=evil,
        question=evil,
        command=evil,
    )
    trial = Trial(evil, {evil: evil}, {evil: evil}, 0.5, 4, 1, True, [evil])
    bad = bad._replace(tuning={evil: {"metric": evil, "summary": "final", "seeds": [1], "trials": [trial]}})
    page = render([bad], evil)
    assert "alert(1)</script>" not in page
    assert '<b>&"' not in page
    assert sum(tag == "script" for tag, _ in tags(page).found) == 3
    assert embedded(page)["figures"][0]["title"] == evil


def test_effects_and_checks_in_words() -> None:
    assert effect(inconclusive("not begun")) == "–"
    assert effect(inconclusive("")._replace(low=1.25, unit="ln ratio")) == "– (1.25 to ∞) ln ratio"
    known = verdict(0.5, 0.9)
    assert checks(known.control) == "holds"
    assert checks((*known.control, *known.control)) == "2 holds"
    assert checks(()) == "–"


class Opened:
    """The page in a browser, with what it complained about and asked for."""

    def __init__(self, page: Any, target: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(target.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)


@pytest.fixture(scope="module")
def target(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("claims") / "claims.html"
    write(path, page)
    return path


@pytest.fixture(scope="module")
def opened(browser: Any, target: Path) -> Opened:
    return Opened(browser.new_page(viewport={"width": 1280, "height": 900}), target)


def test_browser_draws_every_figure_in_silence(opened: Opened) -> None:
    for plot in range(3):
        box = opened.page.locator(f"#plot-{plot} .main-svg").first.bounding_box()
        assert box
        assert box["width"] > 200
        assert box["height"] > 200
    assert opened.page.locator("#plot-0 .scatterlayer .trace .lines path.js-line").count() == 3  # one with a gap
    assert opened.page.locator("#plot-1 .heatmaplayer image").count() == 1
    assert opened.page.locator("#plot-0 .legend .traces").count() == 2
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def test_browser_sorts_the_verdicts(opened: Opened) -> None:
    def names() -> list[str]:
        return opened.page.evaluate(
            "[...document.querySelectorAll('#claims-table tbody tr')].map((r) => r.cells[0].textContent)"
        )

    head = opened.page.locator("#claims-table th button", has_text="Effect")
    head.click()
    assert names()[:2] == ["C02", "C01"]
    head.click()
    assert names()[:2] == ["C01", "C02"]
    assert set(names()[2:]) == {"C03", "C10"}
    opened.page.locator("#claims-table th button", has_text="Claim").click()
    assert names() == ["C01", "C02", "C03", "C10"]


def test_browser_shows_the_grid_and_follows_links(opened: Opened) -> None:
    details = opened.page.locator("#c01 details.tuning")
    assert not details.locator("td.chosen").first.is_visible()
    details.locator("summary").click()
    assert details.locator("td.chosen").count() == 4
    assert details.locator("td.chosen").first.is_visible()
    opened.page.click("#claims-table a[href='#c02']")
    assert opened.page.evaluate("location.hash") == "#c02"


def test_browser_downloads_verdicts_and_the_data_of_a_figure(opened: Opened, tmp_path: Path) -> None:
    with opened.page.expect_download() as waiting:
        opened.page.click("#download-claims")
    assert waiting.value.suggested_filename == "runs-claims.json"
    waiting.value.save_as(tmp_path / "claims.json")
    assert [one["id"] for one in json.loads((tmp_path / "claims.json").read_text())] == ["C01", "C02", "C03", "C10"]
    found = []
    for plot in range(2):
        with opened.page.expect_download() as waiting:
            opened.page.click(f"button[data-download='{plot}']")
        waiting.value.save_as(tmp_path / "figure.csv")
        found.append(pl.read_csv(tmp_path / "figure.csv"))
    assert found[0].rows()[2] == ("pure_rl", 64, 3.0, None, 0.2, 0.1)
    assert found[0]["trace"].to_list() == ["pure_rl"] * 3 + ['orac"le'] * 3
    assert found[1].select("x", "y", "z").rows() == [(1, 3, 0.1), (2, 3, 0.2), (1, 4, 0.3), (2, 4, 0.4)]
    assert opened.complaints == []


def test_browser_exchanges_colours_on_a_dark_page(browser: Any, target: Path) -> None:
    dark = Opened(browser.new_page(color_scheme="dark"), target)
    colours = dark.page.evaluate("document.getElementById('plot-0').data.map((t) => [t.line?.color, t.fillcolor])")
    assert colours == [["#5fb4e8", None], [None, "rgba(255,138,61,0.13)"]]
    assert dark.complaints == []
    dark.page.close()


@pytest.mark.parametrize("width", [1440, 800])
def test_browser_never_scrolls_sideways(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=5_000)
