"""The page: what it says, what it must not do, and how it behaves in a browser."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from regimax.report import available, panels, render, styles, write
from regimax.report.packed import unpacked
from regimax.report.probed import probe_drawings
from regimax.report.series import in_steps
from regimax.report.split import compute_split

REGIMES = ["pure_rl", "pretrain_rl", "oracle"]
SETTINGS = ["reward.erasure = 0", "reward.erasure = 0.5"]


def make_meta(**changes: Any) -> dict[str, Any]:
    meta = {
        "name": "quickstart",
        "question": "Does prediction make the reinforcement learning that follows cheaper?",
        "axes": ["reward.erasure"],
        "regimes": REGIMES,
        "seeds": 4,
        "command": "regimax run sweeps/quickstart.py",
        "device": "cpu",
        "versions": {"regimax": "0.1.0"},
        "started": "2026-05-09T07:35:25",
        "seconds": 75.0,
    }
    return meta | changes


def make_run(
    regimes: list[str], settings: list[str], seeds: int, *, pending: int = 0, points: int = 12
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A run in closed form: success is logistic in the update, later for `pure_rl` and for later seeds."""
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    keys = [(r, x, s, seed) for x, s in enumerate(settings) for r in regimes for seed in range(seeds)]
    for number, (regime, x, setting, seed) in enumerate(keys):
        name = {
            "cell": f"{number:05d}",
            "regime": regime,
            "setting": setting,
            "seed": seed,
            "reward.erasure": x / 2,
        }
        if number >= len(keys) - pending:
            rows.append(name | {"status": "pending", "diverged": False, "censored": None})
            continue
        pretraining = 3000.0 if regime.startswith("pretrain") else 0.0
        if pretraining:
            for update in range(4):
                effort = {
                    "env_steps": 0,
                    "passive_steps": 64 * update,
                    "flops": 1000.0 * update,
                    "bits_reward": 0.0,
                }
                curves.append(name | effort | {"phase": "pretrain", "update": update, "success": None})
        middle = (9 if regime == "pure_rl" else 3) + 0.5 * seed + x
        solved, success, update = None, 0.0, 0
        for update in range(points):
            success = 1 / (1 + math.exp(middle - update))
            effort = {
                "env_steps": 400 * update,
                "flops": pretraining + 700.0 * update,
                "bits_reward": 90.0 * update,
            }
            curves.append(name | effort | {"phase": "rl", "update": update, "passive_steps": 0, "success": success})
            if success >= 0.95:
                solved = update
                break
        rows.append(
            name
            | {
                "success": success,
                "return": success,
                "updates": update,
                "env_steps": 400 * update,
                "passive_steps": 0,
            }
            | {
                "flops": pretraining + 700.0 * update,
                "flops_without_env_steps": pretraining,
                "flops_rl": 700.0 * update,
                "flops_prediction": pretraining,
                "flops_experience": 200.0 * update,
                "flops_reinforcement": 500.0 * update,
            }
            | {
                "bits_reward": 90.0 * update,
                "solved_at_update": solved,
                "censored": solved is None,
                "diverged": False,
            }
            | {"solved_at_env_step": None if solved is None else 400 * solved}
            | {"solved_at_flops": None if solved is None else pretraining + 700.0 * solved}
            | {"status": "done" if solved is None else "solved"}
        )
    table = pl.DataFrame(rows, infer_schema_length=None)
    names = ["success", "return", "env_steps", "passive_steps", "flops", "flops_without_env_steps"]
    names += ["solved_at_update", "solved_at_env_step", "solved_at_flops"]
    missing = [pl.lit(None).alias(name) for name in names if name not in table.columns]
    return table.with_columns(missing), pl.DataFrame(curves, infer_schema_length=None)


def make_probes(table: pl.DataFrame) -> pl.DataFrame:
    """Two measures of every finished cell, at the beginning and end of its phases; the second is never known."""
    rows = []
    for cell in table.filter(pl.col("status") != "pending").iter_rows(named=True):
        names = {name: cell[name] for name in ("cell", "regime", "setting", "seed", "reward.erasure")}
        done = 0
        for phase in ["pretrain", "rl"] if cell["flops_without_env_steps"] else ["rl"]:
            for update in (0, 4):
                effort = {"phase": phase, "update": update, "updates": done + update, "flops": 100.0 * (done + update)}
                rows.append(
                    names | effort | {"concepts_bits": 0.5 * (done + update) + cell["seed"], "dull_x": math.nan}
                )
            done += 4
    return pl.DataFrame(rows, infer_schema_length=None)


def make_own_axis(seeds: int = 4) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two worlds and, of `pretrain_rl` alone, three budgets of prediction: less of it, or the second, is later."""
    tables, curves = [], []
    for world in (1, 2):
        for regime, budgets in (("pure_rl", [None]), ("pretrain_rl", [10, 100, 1000]), ("oracle", [None])):
            for place, budget in enumerate(budgets):
                label = f"world.depth={world}" + ("" if budget is None else f", pretrain.updates={budget}")
                for frames, frame in zip((tables, curves), make_run([regime], [label], seeds), strict=True):
                    later = 400 * (2 - place) * (regime == "pretrain_rl") + 400 * (world - 1)
                    known = [name for name in ("env_steps", "solved_at_env_step") if name in frame.columns]
                    frames.append(
                        frame.with_columns(
                            *(pl.col(name) + later for name in known),
                            cell=label + regime + pl.col("cell"),
                            **{"world.depth": pl.lit(world), "pretrain.updates": pl.lit(budget, pl.Int64)},
                        )
                    )
    return pl.concat(tables, how="diagonal_relaxed"), pl.concat(curves, how="diagonal_relaxed")


OWN_AXES = ["world.depth", "pretrain.updates"]


def close(found: Any, expected: Any) -> bool:
    """Whether numbers are the same to six digits, and unknown where those expected are."""
    pairs = list(zip(found, expected, strict=True))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all((a is None) == (b is None) for a, b in pairs) and all(a == pytest.approx(b, rel=1e-6) for a, b in known)


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="report-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(unpacked(found[1]))


@pytest.fixture(scope="module")
def page() -> str:
    table, curves = make_run(REGIMES, SETTINGS, 4)
    return render(make_meta(), table, curves, make_probes(table))


def test_page_says_what_was_run(page: str, tags: Any) -> None:
    text = " ".join("".join(tags(page).text).split())
    assert "<title>quickstart</title>" in page
    for expected in (
        "Does prediction make",
        "regimax run sweeps/quickstart.py",
        "regimax\u00a00.1.0",
        "all finished",
    ):
        assert expected.replace("\u00a0", " ") in text
    assert all(setting in text for setting in SETTINGS)


def test_page_loads_nothing(page: str, tags: Any) -> None:
    for tag, attributes in tags(page).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert not {"src", "href", "srcset", "data"} & set(attributes), (tag, attributes)
    own = re.sub(r'<script type="text/plain".*?</script>', "", page, flags=re.DOTALL)
    assert len(own) < len(page) / 10
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|@import|url\(", own)
    assert "default-src 'none'" in own


def test_page_is_small(page: str) -> None:
    assert len(page.encode()) < 2e6


def test_page_names_its_threshold_and_answers_in_a_sentence(tags: Any) -> None:
    def text(settings: list[str], regimes: list[str] = REGIMES, points: int = 12, **rule: Any) -> str:
        page = render(make_meta(**rule), *make_run(regimes, settings, 4, points=points))
        return " ".join("".join(tags(page).text).split())

    rule = {"threshold": 0.95, "consecutive": 3}
    several = text(SETTINGS, **rule)
    assert several.count("success of 0.95 or more in 3 evaluations in a row") == 2
    assert "Fewest environment steps to 0.95 success: pretrain_rl in 2, oracle in 2 of 2 settings. " in several
    assert "Least compute to 0.95 success: oracle in 2 of 2 settings." in several
    # Who are even are both told: none is the first.
    table, curves = make_run(["pure_rl", "oracle"], SETTINGS, 4)
    even = pl.when(pl.col("setting") == SETTINGS[0]).then(800).otherwise("solved_at_env_step")
    both = render(make_meta(**rule), table.with_columns(solved_at_env_step=even, solved_at_update=even), curves)
    told = " ".join("".join(tags(both).text).split())
    assert "Fewest environment steps to 0.95 success: oracle in 2, pure_rl in 1 of 2 settings." in told
    one = text([""], threshold=0.95, consecutive=1)
    assert "0.95 or more in an evaluation" in one
    assert "Least compute to 0.95 success: oracle (4.9\u00a0kFLOP), then pretrain_rl (" in one.replace(
        " kF", "\u00a0kF"
    )
    assert "No regime got to 0.95 success in the median: pretrain_rl came to 0.0" in text(SETTINGS, points=2, **rule)
    assert "success at the sweep’s threshold" in text(SETTINGS)


def test_everything_from_outside_is_escaped(tags: Any) -> None:
    evil = "</script><script>alert(1)</script><b>&\"'%{x}"
    meta = make_meta(
        name=evil,
        question=evil,
        axes=[evil],
        regimes=[evil, "oracle"],
        command=evil,
        device=evil,
        versions={evil: evil},
        started=evil,
    )
    page = render(meta, *make_run([evil, "oracle"], [evil], 2))
    assert "alert(1)</script>" not in page
    assert '<b>&"' not in page
    assert sum(tag == "script" for tag, _ in tags(page).found) == 3
    assert evil in embedded(page)["cells"]["rows"][0]
    assert embedded(page)["panels"][0]["data"][0]["meta"]["regime"] == evil


def test_unfinished_run_is_called_unfinished() -> None:
    page = render(make_meta(), *make_run(REGIMES, SETTINGS, 4, pending=6))
    assert "6 of 24 cells are pending" in page
    assert "no evaluation yet" not in page
    nothing = render(make_meta(), make_run(REGIMES, SETTINGS, 4, pending=24)[0], pl.DataFrame())
    assert "No evaluation has been committed yet" in nothing
    assert embedded(nothing)["panels"] == []


def test_a_run_that_has_only_predicted_so_far_has_a_page(tags: Any) -> None:
    pending, _ = make_run(REGIMES, SETTINGS, 4, pending=24)
    _, curves = make_run(["pretrain_rl"], SETTINGS, 4)
    page = render(make_meta(), pending, curves.filter(pl.col("phase") == "pretrain").drop("success"))
    assert "No evaluation has been committed yet" in "".join(tags(page).text)


def test_page_without_axes_of_one_regime_and_one_seed() -> None:
    page = render(make_meta(axes=[], regimes=["oracle"], seeds=1), *make_run(["oracle"], [""], 1))
    assert "All cells" in page
    assert "The one cell" in page
    assert "medians over\n1 seed," in page
    assert 'id="paired"' not in page


def test_many_cells_are_held_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regimax.report.page.MAX_PANELS", 1)
    whole = render(make_meta(), *make_run(REGIMES, SETTINGS, 40))
    assert "first 1 of 2 settings" in whole
    assert len(embedded(whole)["cells"]["rows"]) == 240
    less = len(whole.encode()) - 1_500
    monkeypatch.setattr("regimax.report.page.MAX_BYTES", less)
    page = render(make_meta(), *make_run(REGIMES, SETTINGS, 40))
    held = len(embedded(page)["cells"]["rows"])
    assert 20 < held < 240
    assert less - 1_500 < len(page.encode()) <= less
    assert f"first {held} of 240 cells" in page
    assert len(embedded(page)["summary"]["rows"]) == 6
    monkeypatch.setattr("regimax.report.page.MAX_BYTES", 1)
    assert "first 0 of 240 cells" in render(make_meta(), *make_run(REGIMES, SETTINGS, 40))


def test_panels_start_after_pretraining_in_compute_and_together_in_steps() -> None:
    table, curves = make_run(REGIMES, SETTINGS, 4)
    assert [e.column for e in available(curves)] == ["env_steps", "flops", "bits_reward"]
    drawn = panels(curves, table=table, regimes=REGIMES, settings=SETTINGS)
    assert [panel.setting for panel in drawn] == SETTINGS
    for panel in drawn:
        traces = panel.figure.to_plotly_json()["data"]
        roles = [(trace["meta"]["role"], trace["meta"]["regime"]) for trace in traces]
        line, bar = roles.index(("line", "pretrain_rl")), roles.index(("pretraining", "pretrain_rl"))
        assert [role for role, _ in roles].count("line") == 3
        series = panel.series["pretrain_rl"]
        assert series.x["flops"][0] == 3000.0
        assert series.before["flops"] == 3000.0
        assert series.x["env_steps"][0] == 0.0
        assert "env_steps" not in series.before
        assert list(traces[bar]["x"]) == [None, None]
        assert list(traces[line]["x"]) == series.x["env_steps"]
        assert "4 of 4 seeds measured" in traces[line]["text"][0]


def test_lines_are_marked_where_seeds_stopped_as_solved_and_end_where_half_have(page: str, tags: Any) -> None:
    # With four seeds half a step apart, the first two of `oracle` are solved at updates 6 and 7, of twelve.
    table, curves = make_run(["pure_rl", "oracle"], [""], 4)
    (panel,) = panels(curves, table=table, regimes=["pure_rl", "oracle"], settings=[""])
    traces = {(t["meta"]["role"], t["meta"]["regime"]): t for t in panel.figure.to_plotly_json()["data"]}
    solved, never = traces["line", "oracle"], traces["line", "pure_rl"]
    assert solved["meta"]["marks"] == [""] * 6 + ["first", "end"]
    assert list(solved["x"]) == [400.0 * update for update in range(8)]
    assert "3 of 4 stopped as solved" in solved["text"][-1]
    assert [bool(size) for size in solved["marker"]["size"]] == [False] * 6 + [True, True]
    assert len(set(solved["marker"]["color"][-2:])) == 2
    # The band has no upper edge once more than a quarter have stopped; nothing stops on a line that is never solved.
    assert len(traces["band", "oracle"]["x"]) == 2 * 7
    assert never["meta"]["marks"] == [""] * 12
    assert len(traces["band", "pure_rl"]["x"]) == 2 * 12
    text = " ".join("".join(tags(page).text).split())
    assert "stopped as solved" in text
    assert "stopped as solved:" not in render(make_meta(), *make_run(["pure_rl"], [""], 4))


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    table, curves = make_run(["pure_rl"], [""], 1, points=2)
    long = pl.concat(
        [curves[:1].with_columns(update=pl.lit(u, pl.Int64), env_steps=pl.lit(u, pl.Int64)) for u in range(1000)]
    )
    (panel,) = panels(long, table=table, regimes=["pure_rl"], settings=[""])
    xs = panel.series["pure_rl"].x["env_steps"]
    assert len(xs) == 300
    assert (xs[0], xs[-1]) == (0.0, 999.0)


def test_many_lines_have_fewer_points_and_keep_ends_and_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regimax.report.figures.ALL_POINTS", 10)
    monkeypatch.setattr("regimax.report.figures.MIN_POINTS", 4)
    table, curves = make_run(REGIMES, SETTINGS, 4)
    for panel in panels(curves, table=table, regimes=REGIMES, settings=SETTINGS):
        assert all(len(one.median) in (4, 5) for one in panel.series.values())
        oracle = panel.series["oracle"]
        assert oracle.x["env_steps"][0] == 0.0
        marks = next(t for t in panel.figure.data if t.name == "oracle" and t.meta["role"] == "line").meta["marks"]
        assert [mark for mark in marks if mark] == ["first", "end"]


def test_efforts_travel_as_steps_that_give_them_back() -> None:
    for values in ([0.0, 400.0, 800.0], [3000.0, 3700.25, None, 5e3], [1.23456789e12, 2e12], [], [0.0], [7e-9, 8e-9]):
        short = in_steps(values)
        at, found = 0, []
        for step in short["steps"]:
            at += step or 0
            found.append(None if step is None else at * short["unit"])
        assert close(found, values)
    assert len(set(in_steps([0.1 * i for i in range(100)])["steps"])) == 2  # nothing, then the same step


def test_the_split_of_compute_adds_up_by_regime() -> None:
    table, _ = make_run(REGIMES, SETTINGS, 4, pending=6)
    drawing = compute_split(table, REGIMES)
    assert drawing is not None
    bars = drawing.figure.data
    assert [bar.name for bar in bars] == ["prediction", "acting and the world's steps", "reinforcement"]
    assert list(bars[0].y) == REGIMES
    assert [sum(shares) for shares in zip(*(bar.x for bar in bars), strict=True)] == pytest.approx([1.0] * 3)
    done = table.filter((pl.col("regime") == "pretrain_rl") & (pl.col("status") != "pending"))
    assert bars[0].x[1] == pytest.approx(done["flops_prediction"].sum() / done["flops"].sum())
    assert bars[0].x[0] == 0
    assert len({bar.marker.pattern.shape for bar in bars}) == 3  # they differ without colour
    untold = table.drop("flops_experience")
    assert compute_split(untold, REGIMES) is None
    assert 'id="split"' not in render(make_meta(), *make_run(REGIMES, SETTINGS, 4, pending=24))


def test_probes_are_drawn_by_measure_and_setting_with_a_break_between_phases() -> None:
    table, curves = make_run(REGIMES, SETTINGS, 4)
    drawn = probe_drawings(make_probes(table), table, REGIMES)
    assert [one.caption for one in drawn] == [f"concepts_bits, {setting}" for setting in SETTINGS]
    lines = {line.name: line for line in drawn[0].figure.data}
    assert list(lines["oracle"].x) == [0, 4]
    assert list(lines["oracle"].y) == [1.5, 3.5]  # the median seed is 1.5
    assert list(lines["pretrain_rl"].x) == [0, 4, None, 4, 8]
    assert "4 of 4 seeds measured" in lines["oracle"].customdata[0]
    assert 'id="probes"' not in render(make_meta(), table, curves)
    assert 'id="probes"' not in render(make_meta(), table, curves, pl.DataFrame(schema=curves.schema))


def test_who_has_no_such_axis_stands_in_the_panels_of_who_has(tags: Any) -> None:
    table, curves = make_own_axis()
    page = render(make_meta(axes=OWN_AXES), table, curves, make_probes(table))
    data = embedded(page)
    captions = [f"world.depth={world}, pretrain.updates={budget}" for world in (1, 2) for budget in (10, 100, 1000)]
    assert [panel["setting"] for panel in data["panels"]] == captions
    assert all(list(panel["series"]) == REGIMES for panel in data["panels"])
    of = [data["series"][panel["series"]["pure_rl"]]["setting"] for panel in data["panels"]]
    assert of == ["world.depth=1"] * 3 + ["world.depth=2"] * 3
    probed = [one for one in data["drawings"] if one["id"].startswith("probe")]
    assert [[line["name"] for line in one["data"]] for one in probed] == [REGIMES] * 6
    assert len(data["series"]) == 10  # each once, in however many panels it stands
    text = " ".join("".join(tags(page).text).split())
    assert [caption for caption in captions if caption not in text] == []
    # Who was run at more settings has won nothing where nobody else was run, and is paired with everybody.
    assert "Fewest environment steps to the threshold: oracle in 6, pretrain_rl in 2 of 6 settings." in text
    assert text.count("4 of 4 better") == 12


def test_styles_differ_in_colour_and_dash() -> None:
    found = styles([f"regime {i}" for i in range(49)])
    assert len(set(found.values())) == 49
    first = list(found.values())[:7]
    assert len({style.light for style in first}) == len({style.dash for style in first}) == 7


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write(target, "first")
    write(target, "second \u2013")
    assert target.read_text(encoding="utf-8") == "second \u2013"
    with pytest.raises(UnicodeEncodeError):
        write(target, "third \ud800")
    assert target.read_text(encoding="utf-8") == "second \u2013"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "missing" / "report.html", "")


def test_report_does_not_import_jax() -> None:
    code = "import sys, regimax.report; sys.exit(any(m.split('.')[0] in ('jax', 'jaxlib') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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

    def x(self, plot: int) -> list[list[float | None]]:
        return self.page.evaluate(f"document.getElementById('plot-{plot}').data.map((t) => Array.from(t.x))")

    def layout(self, plot: int) -> dict[str, Any]:
        axis = f"document.getElementById('plot-{plot}')._fullLayout.xaxis"
        return self.page.evaluate(f"({{title: {axis}.title.text, type: {axis}.type, range: {axis}.range}})")


@pytest.fixture(scope="module")
def opened(browser: Any, page: str, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    target = tmp_path_factory.mktemp("report") / "report.html"
    write(target, page)
    return Opened(browser.new_page(viewport={"width": 1280, "height": 900}), target)


def test_browser_draws_every_panel_in_silence(opened: Opened) -> None:
    assert opened.page.title() == "quickstart"
    for plot, _ in enumerate(SETTINGS):
        lines = opened.page.locator(f"#plot-{plot} .scatterlayer .trace .lines path.js-line")
        assert lines.count() >= len(REGIMES)
        box = opened.page.locator(f"#plot-{plot} .main-svg").first.bounding_box()
        assert box
        assert box["width"] > 200
        assert box["height"] > 200
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("file:")] == []
    assert len(opened.requests) == 1


def test_browser_draws_the_split_and_what_probes_measured(opened: Opened) -> None:
    assert opened.page.locator("#split-plot .barlayer .point path").count() == 3 * len(REGIMES)
    for plot, _ in enumerate(SETTINGS):
        assert opened.page.locator(f"#probe-{plot} .scatterlayer path.js-line").count() >= len(REGIMES)
    assert opened.page.locator("#probes figcaption").all_inner_texts() == [f"concepts_bits, {s}" for s in SETTINGS]
    assert opened.complaints == []


def test_browser_fills_the_mark_of_a_line_that_ends_solved(opened: Opened) -> None:
    fill = "[...document.querySelectorAll('#plot-0 .scatterlayer .points path')].map((p) => p.style.fill)"
    fills = opened.page.evaluate(fill)
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    rings = [colour for colour in fills if colour == background]
    assert rings
    assert len(fills) > len(rings)


def test_browser_changes_the_axis(opened: Opened) -> None:
    title = opened.page.locator("#curves-title")
    assert title.inner_text() == "Success against environment steps"
    steps, line = opened.x(0), -2  # the line of pretrain_rl
    opened.page.select_option("#effort", "flops")
    assert title.inner_text() == "Success against compute, pretraining included"
    flops = opened.x(0)
    assert steps[line][0] == 0
    assert flops[line][0] == 3000
    assert opened.layout(0)["title"] == "compute, pretraining included (FLOP)"
    assert opened.layout(0)["type"] == "linear"

    opened.page.click("#log")
    assert opened.layout(0)["type"] == "log"
    assert opened.layout(0)["range"] == opened.layout(1)["range"]
    opened.page.uncheck("#shared")
    assert opened.layout(0)["range"] != opened.layout(1)["range"]
    opened.page.check("#shared")
    opened.page.click("#linear")
    opened.page.select_option("#effort", "env_steps")
    assert opened.x(0) == steps
    assert opened.complaints == []


def test_browser_leads_from_a_line_to_its_cells(opened: Opened) -> None:
    opened.page.evaluate(
        "document.getElementById('plot-1').emit('plotly_click',"
        " { points: [{ data: document.getElementById('plot-1').data.find((t) => t.meta.regime === 'oracle') }] })"
    )
    opened.page.wait_for_selector("#cell-table tbody tr")
    rows = opened.page.locator("#cell-table tbody tr").all_inner_texts()
    assert len(rows) == 4
    assert all("oracle" in row and SETTINGS[1] in row for row in rows)
    opened.page.fill("#filter", "")
    opened.page.locator("#cell-details summary").click()
    assert opened.complaints == []


def test_browser_says_that_a_table_scrolls_where_it_does(opened: Opened) -> None:
    hints = "[...document.querySelectorAll('#summary .scroll')].map((box) => getComputedStyle(box, '::before').content)"
    assert opened.page.evaluate(hints) == ["none"]
    opened.page.set_viewport_size({"width": 390, "height": 800})
    opened.page.wait_for_selector("#summary .scroll.overflows")
    assert "scroll sideways" in opened.page.evaluate(hints)[0]
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 390
    opened.page.set_viewport_size({"width": 1280, "height": 900})
    opened.page.wait_for_selector("#summary .scroll:not(.overflows)")


def test_browser_says_the_same_of_a_line_as_python(opened: Opened) -> None:
    table, curves = make_run(REGIMES, SETTINGS, 4)
    for place, panel in enumerate(panels(curves, table=table, regimes=REGIMES, settings=SETTINGS)):
        node = f"document.getElementById('plot-{place}')"
        drawn = opened.page.evaluate(f"{node}.data.map((t) => [t.x, t.y, t.text ?? null].map((v) => v && [...v]))")
        for (x, y, text), trace in zip(drawn, panel.figure.data, strict=True):
            assert close(x, trace.x)
            assert close(y, trace.y)
            assert text == (None if trace.text is None else list(trace.text))


def test_browser_hides_a_regime(opened: Opened) -> None:
    shown = "document.getElementById('plot-0').data.filter((t) => t.visible).length"
    before = opened.page.evaluate(shown)
    opened.page.click("#curves .legend button[data-regime=oracle]")
    assert opened.page.evaluate(shown) == before - 2
    assert opened.page.locator("[data-regime=oracle][aria-pressed=false]").count() == 2
    opened.page.click("#compared .legend button[data-regime=oracle]")
    assert opened.page.evaluate(shown) == before


def test_browser_sorts_the_summary(opened: Opened) -> None:
    column = opened.page.locator("#summary-table th[data-column='4'] button")
    rows = "[...document.querySelectorAll('#summary-table tbody tr:not(.group-row)')]"
    values = f"{rows}.map((row) => Number(row.cells[4].dataset.value))"
    column.click()
    rising = opened.page.evaluate(values)
    assert rising == sorted(rising)
    assert len(rising) == 6
    column.click()
    assert opened.page.evaluate(values) == sorted(rising, reverse=True)
    assert opened.page.locator("#summary-table td.setting").nth(1).is_visible()


def test_browser_sorts_and_filters_the_cells(opened: Opened) -> None:
    assert not opened.page.locator("#cell-table").is_visible()
    opened.page.click("#cell-details summary")
    opened.page.wait_for_selector("#cell-table tbody tr")
    first = "[...document.querySelectorAll('#cell-table tbody tr')].map((r) => r.cells[0].textContent)"
    assert opened.page.evaluate(first) == [f"{i:05d}" for i in range(24)]
    head = opened.page.locator("#cell-table th button", has_text="cell")
    head.click()
    head.click()
    assert opened.page.evaluate(first) == [f"{i:05d}" for i in reversed(range(24))]
    opened.page.fill("#filter", "oracle 0.5")
    assert len(opened.page.evaluate(first)) == 4
    assert "4 of 24" in opened.page.locator("#cell-note").inner_text()
    opened.page.fill("#filter", "")
    assert opened.complaints == []


@pytest.mark.parametrize(("button", "rows"), [("summary", 6), ("cells", 24)])
def test_browser_downloads_csv(opened: Opened, button: str, rows: int, tmp_path: Path) -> None:
    with opened.page.expect_download() as waiting:
        opened.page.click(f"#download-{button}")
    assert waiting.value.suggested_filename == f"quickstart-{button}.csv"
    waiting.value.save_as(tmp_path / "table.csv")
    frame = pl.read_csv(tmp_path / "table.csv")
    assert frame.height == rows
    assert {"regime", "setting", "env_steps"} <= set(frame.columns)


@pytest.mark.parametrize("width", [1440, 800])
def test_browser_never_scrolls_sideways(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=5_000)
