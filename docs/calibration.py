"""The numbers of `docs/calibration.md` that are ours, computed again from the runs that are kept.

Those of `sweeps/calibration/` are kept in ``docs/results/calibration/``, as `kept.py` keeps a claim's run; the others
are of claims' kept runs.

Command: python docs/calibration.py docs/results [--write] [RUN …]
It says of which items the page tells otherwise; or with ``--write`` tells them there. Runs that are named are kept, in
place of those of the same names.
"""

import itertools
import json
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import polars as pl
from kept import SWEEPS, keep_runs, runs

from regimax.report import statistics as st
from regimax.report.statistics import Estimate
from regimax.sweep.files import load_file

PAGE = Path(__file__).with_name("calibration.md")
FOLDER = "calibration"
N, KAPPA, RATE, DENSITY = "observations_per_reward", "world.coverage", "rl.learning_rate", "world.density"


class Ours(NamedTuple):
    """What an item comes to.

    Attributes:
      entry: its cell in the page's table.
      agrees: whether it is as was expected before the run; None where the result was there before.
      head: of a table of more.
      rows: of it.
    """

    entry: str
    agrees: bool | None
    head: Sequence[str]
    rows: Iterable[Sequence[str]]

    def lines(self) -> list[str]:
        """The table of more, as it stands on the page."""
        rows = [self.head, ["---"] * len(self.head), *self.rows]
        return ["| " + " | ".join(row) + " |" for row in rows]


def plain(x: float) -> str:
    """A number as the page writes it."""
    whole = abs(x) >= 100 or (abs(x) >= 10 and x == round(x))
    return (f"{x:,.0f}" if whole else f"{x:.1f}" if abs(x) >= 2 else f"{x:.2f}").replace("-", "−")


def told(found: Estimate) -> str:
    """An estimate as the page writes it, without its unit."""
    low, high = (plain(end) if math.isfinite(end) else None for end in (found.low, found.high))
    if found.value is None or not math.isfinite(found.value):
        bounds = [f"> {low}" if low else "", f"< {high}" if high else ""]
        return " and ".join(bound for bound in bounds if bound) or "not known"
    if low and high:
        return f"{plain(found.value)} ({low} to {high})"
    return f"{plain(found.value)} ({f'above {low}' if low else f'below {high}' if high else 'open'})"


def factor(found: Estimate) -> str:
    """A difference of logarithms, as the factor that it stands for; one above 0 says nothing."""
    shown = found.through(lambda x: math.inf if x > 700 else math.exp(x), "times")
    return told(shown._replace(low=shown.low or -math.inf))


def claims(name: str) -> ModuleType:
    """The file of a claim, whose functions read its runs as its rule does."""
    return load_file(SWEEPS / f"{name}.py")


def deep_sea(kept: Path) -> Ours:
    """Slope of ln T on the depth, T the episodes until the treasure is first found."""
    run = runs(kept / FOLDER)["deepsea_slope"]
    sizes = sorted(map(int, run.cells["regime"].unique()))

    def times(size: int, measure: str, threshold: float) -> pl.DataFrame:
        found = st.times(
            run, f"{size}", unit="episodes", steps=size, measure=measure, threshold=threshold, consecutive=1
        )
        return found.with_columns(depth=pl.lit(size))

    found = {size: times(size, "train_success", 1e-9) for size in sizes}
    fit = st.censored_regression(pl.concat(found.values()), {"depth": pl.col("depth")}, errors="minimum")
    slope = fit.of("depth")
    rows = [
        [
            f"{size}",
            f"{2**size:,}",
            told(st.median_time(found[size])),
            told(st.median_time(times(size, "success", 0.9))),
        ]
        for size in sizes
    ]
    agrees = slope.low < math.log(2) < slope.high and slope.low > 0.5 and slope.high < 0.9
    return Ours(
        f"{told(slope)} per step of depth", agrees, ["N", "2^N", "episodes to the first find", "to 0.9 success"], rows
    )


def chosen(kept: Path) -> Ours:
    """Step sizes that rank 1 and full fine-tuning chose in the tuning's worlds, and ln T of one less the other."""
    run, arms = runs(kept / "c02_highlights")["coverage"], {"full": "imitation_rl", "rank 1": "imitation_rl-rank-1"}
    rows, rate, time = [], {}, {}
    for name, arm in arms.items():
        tried = [trial for trial in run.tried if trial.regime == arm]
        [rate[name]] = [trial.grid[RATE] for trial in tried if trial.chosen]
        time[name] = st.times(run, arm, unit="episodes", steps=4, where={KAPPA: 1.0})
        best = {step: max(trial.score for trial in tried if trial.grid[RATE] == step) for step in RATES}
        there = f"{(~time[name]['censored']).sum()} of {len(time[name])}"
        rows.append([name, *map(plain, best.values()), told(st.median_time(time[name])), there])
    more = factor(st.ln_ratio(time["rank 1"], time["full"]))
    entry = f"{more} times the episodes; step size {rate['rank 1'] / rate['full']:g} times as large"
    head = ["", *(f"{step:g}" for step in RATES), "episodes to 0.9", "worlds that get there"]
    return Ours(entry, None, head, rows)


RATES = (2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)


def rank_one(kept: Path) -> Ours:
    """Best step sizes of rank 1 and of full fine-tuning, and ln T of one less the other at its own."""
    run, arms = runs(kept / FOLDER)["rank_one"], {"full": "imitation_rl", "rank 1": "imitation_rl-rank-1"}
    curves = run.curves.filter(pl.col("phase") == "rl", pl.col("success").is_not_null())
    area = run.cells.join(curves.group_by("cell").agg(area=pl.col("success").mean()), on="cell")
    best = {name: st.best_setting(st.scores(area, arm, "area"), pl.col(RATE)) for name, arm in arms.items()}
    time = {
        name: st.times(run, arm, unit="episodes", steps=3, where={RATE: best[name].value}) for name, arm in arms.items()
    }
    more = st.ln_ratio(time["rank 1"], time["full"])
    ratio = best["rank 1"].value / best["full"].value
    rates = sorted(run.cells[RATE].unique())
    score = {
        rate: [st.median_score(st.scores(area, arm, "area", where={RATE: rate})) for arm in arms.values()]
        for rate in rates
    }
    rows = [[f"{rate:g}", *map(told, score[rate])] for rate in rates]
    entry = f"{factor(more)} times the episodes; step size {ratio:g} times as large"
    return Ours(entry, more.high < math.log(1.5) and 4 <= ratio <= 32, ["step size", *arms], rows)


def bounded(kept: Path) -> Ours:
    """Success where reinforcement ends, against the base model's within 256 tries, by what its stream covers."""
    claim, arm = claims("c02_highlights"), "imitation_rl"
    run = runs(kept / "c02_highlights")["coverage"]
    rows, over = [], {}
    for kappa in sorted(run.cells[KAPPA].unique()):
        where = {KAPPA: kappa}
        ended = claim.ended(run, arm, **where)
        over[kappa] = st.difference(ended, claim.tries(run, arm, 256, **where))
        scores = [claim.tries(run, arm, 1, **where), claim.tries(run, arm, 256, **where), ended]
        scores.append(claim.tries(run, arm, 256, when="last", **where))
        rows.append([f"{kappa:g}", *(told(st.median_score(score)) for score in scores)])
    head = ["κ", "base, 1 try", "base, 256 tries", "after reinforcement, 1 try", "after it, 256 tries"]
    return Ours(f"{told(over[0.5])} at κ = 1/2", None, head, rows)


def sped_up(kept: Path) -> Ours:
    """Factor between rewards to 0.9 success from scratch and with prediction beside, at observations per reward."""
    both = [runs(kept / "c06_always_on")[name] for name in ("dense", "rare")]
    rows, found = [], {}
    for n, run in [(n, one) for one in both for n in sorted(one.cells[N].unique())]:
        time = {
            arm: st.times(run, arm, unit="rewards_delivered", where={N: n})
            for arm in ("pure_rl-A2C", "pure_rl-Q", "always_on", "always_on-shared")
        }
        for own in ("always_on", "always_on-shared"):
            for scratch in ("pure_rl-A2C", "pure_rl-Q"):
                found[n, own, scratch] = st.ln_ratio(time[scratch], time[own])
        rows.append([f"{n}", *(factor(found[n, own, scratch]) for own, scratch in OF)])
    best = found[64, "always_on", "pure_rl-Q"]
    head = ["observations per reward", *(f"{OWN[own]}, over {SCRATCH[scratch]}" for own, scratch in OF)]
    return Ours(f"{factor(found[1, 'always_on', 'pure_rl-Q'])} at 1, {factor(best)} at 64", None, head, rows)


OWN = {"always_on": "gradients stopped", "always_on-shared": "shared"}
SCRATCH = {"pure_rl-A2C": "A2C", "pure_rl-Q": "Q-learning"}
OF = [(own, scratch) for scratch in SCRATCH for own in OWN]


def recalled(kept: Path) -> Ours:
    """Slope of ln N on ln of the numbers in a state, N the pairs that are recalled at 0.9."""
    run = runs(kept / FOLDER)["recall_state"]
    new, widths = 8, sorted(int(arm) for arm in run.cells["regime"].unique() if arm.isdigit())
    lasting = sorted(run.cells["world.stable"].unique())
    frames, rows = [], []
    for arm in (*map(str, widths), "softmax"):
        cells = run.cells.filter(pl.col("regime") == arm).sort("world_seed", "world.stable")
        numbers = f"{int(arm) ** 2:,}" if arm.isdigit() else "as many as pairs"
        score = [st.median_score(st.scores(cells, arm, where={"world.stable": n})) for n in lasting]
        rows.append([numbers, *map(told, score)])
        if arm.isdigit():
            held = pl.col("success") >= 0.9
            fails = pl.col("world.stable").filter(~held).min() + new
            ends = cells.group_by("world_seed", maintain_order=True).agg(fails=fails)
            before = pl.Series([*lasting]) + new
            rows_of = [
                {
                    "world_seed": world,
                    "seed": 0,
                    "unit": "pairs",
                    "reached": None,
                    "low": float(max([n for n in before if fail is None or n < fail], default=1)),
                    "high": math.inf if fail is None else float(fail),
                    "numbers": float(int(arm) ** 2),
                }
                for world, fail in ends.iter_rows()
            ]
            frames.append(pl.DataFrame(rows_of, schema_overrides={"reached": pl.Float64}))
    # What is only known to lie between two columns leaves the slope open as far; no model says more.
    slope = st.effect(st.slopes(pl.concat(frames), {"ln numbers": pl.col("numbers").log()}, "ln numbers"))
    softmax = [st.median_score(st.scores(run.cells, "softmax", where={"world.stable": n})) for n in lasting]
    agrees = slope.low > 0.3 and all(score.value is not None and score.value >= 0.9 for score in softmax)
    least = min(softmax, key=lambda score: score.value or 0.0)
    entry = f"slope {told(slope)}; softmax at least {told(least)}"
    return Ours(entry, agrees, ["numbers of state", *(f"{n + new} pairs" for n in lasting)], rows)


def toy(kept: Path) -> Ours:
    """Dimensions per feature at densities."""
    run = runs(kept / FOLDER)["toy_superposition"]
    last = run.probes.filter(pl.col("update") == pl.col("update").max())
    densities = sorted(last[DENSITY].unique(), reverse=True)

    def of(measure: str, density: float) -> Estimate:
        return st.median_score(st.scores(last, "toy", f"dimensions_{measure}", where={DENSITY: density}))

    mean = {density: of("mean", density) for density in densities}
    near = [abs((mean[density].value or 0.0) - 0.5) < 0.05 for density in densities]
    held = [a and b for a, b in itertools.pairwise(near)]
    agrees = abs((mean[1.0].value or 0.0) - 1.0) < 0.1 and any(held) and (mean[densities[-1]].value or 1.0) < 0.45
    rows = [
        [f"{density:g}", told(mean[density]), *(told(of(name, density)) for name in ("features", "whole", "half"))]
        for density in densities
    ]
    head = ["p", "D*", "features there", "share with a dimension of their own", "share with half of one"]
    half = [f"{density:g}" for density, there in zip(densities, near, strict=True) if there]
    entry = f"{told(mean[1.0])} at p = 1; within 0.05 of 1/2 at p = {', '.join(half) or 'none'}"
    return Ours(entry, agrees, head, rows)


def passive(kept: Path) -> Ours:
    """Factor between episodes of those whose values are taught by others' streams, and of those taught by their own."""
    claim, [run] = claims("c12_agency"), runs(kept / "c12_agency").values()
    time = claim._times(run)
    streams = {
        "its own": claim.OWN,
        "another learner's of the same age": claim.ANOTHERS["reward"],
        "even choices": claim.EVEN["reward"],
        "an expert's": claim.EXPERTS["reward"],
        "its own policy's, in other episodes": claim.ITSELF,
    }
    rows = []
    for name, arm in streams.items():
        there = (~time[arm]["censored"]).sum()
        more = "1" if arm == claim.OWN else factor(st.ln_ratio(time[arm], time[claim.OWN]))
        rows.append([name, told(st.median_time(time[arm])), more, f"{there} of {len(time[arm])}"])
    another = st.ln_ratio(time[claim.ANOTHERS["reward"]], time[claim.OWN])
    head = ["whose stream teaches values", "episodes to 0.9", "times its own", "worlds that get there"]
    return Ours(f"{factor(another)} times the episodes", None, head, rows)


def exogenous(kept: Path) -> Ours:
    """Factor between rewards to 0.9 success from scratch and after prediction, by what can be predicted."""
    run = runs(kept / FOLDER)["exogenous_noise"]
    kinds = run.cells["stream"].unique(maintain_order=True).to_list()
    rows, saved = [], {}
    for kind in kinds:
        time = {
            arm: st.times(run, arm, unit="rewards_delivered", where={"stream": kind})
            for arm in ("pure_rl", "pretrain_rl")
        }
        saved[kind] = st.ln_ratio(time["pure_rl"], time["pretrain_rl"])
        there = (~time["pretrain_rl"]["censored"]).sum()
        medians = [told(st.median_time(one)) for one in time.values()]
        rows.append([kind, *medians, factor(saved[kind]), f"{there} of {len(time['pretrain_rl'])}"])
    *helped, alone = kinds
    agrees = all(saved[kind].low > math.log(2) for kind in helped) and saved[alone].high < 0
    head = ["stream", "rewards from scratch", "after prediction", "factor", "worlds that get there after it"]
    entry = f"{factor(saved[helped[-1]])} times fewer with 3 exogenous factors, {factor(saved[alone])} with one alone"
    return Ours(entry, agrees, head, rows)


ITEMS: dict[str, Callable[[Path], Ours]] = {
    "deep-sea": deep_sea,
    "rank-1": chosen,
    "rank-1-in-a-smaller-cipher": rank_one,
    "what-reinforcement-adds": bounded,
    "auxiliary-prediction": sped_up,
    "recall-and-state": recalled,
    "toy-models": toy,
    "passive-learning": passive,
    "exogenous-noise": exogenous,
}
SWEPT = {
    "deep-sea": "deepsea_slope",
    "rank-1-in-a-smaller-cipher": "rank_one",
    "recall-and-state": "recall_state",
    "toy-models": "toy_superposition",
    "exogenous-noise": "exogenous_noise",
}
"""The sweeps of those that are of `sweeps/calibration/`."""
WORDS = {True: "as expected", False: "not as expected", None: "was known before"}


def found(name: str, kept: Path) -> Ours:
    """What an item comes to, where its run is kept."""
    if name in SWEPT and not (kept / FOLDER / f"{SWEPT[name]}.cells.parquet").is_file():
        return Ours("not run yet", None, ["not run yet"], [])
    return ITEMS[name](kept)


def written(text: str, name: str, ours: Ours) -> str:
    """Returns the page with an item's numbers in place of what stood there: its entry, its word, its table of more."""
    lines = text.split("\n")
    [row] = [i for i, line in enumerate(lines) if line.startswith("| [") and f"](#{name})" in line]
    cells = lines[row].split(" | ")
    cells[2], cells[3] = ours.entry, WORDS[ours.agrees] if ours.rows else "–"
    lines[row] = " | ".join(cells)
    begin = lines.index(f"<!-- {name} -->") + 1
    end = lines.index("", begin)
    return "\n".join([*lines[:begin], *ours.lines(), *lines[end:]])


DECIMAL = re.compile(r"\d+\.\d+")


def told_alike(one: str, other: str) -> bool:
    """Whether two texts say the same, but for one in a decimal's last digit: other versions round otherwise there."""
    if DECIMAL.split(one) != DECIMAL.split(other):
        return False
    pairs = zip(DECIMAL.findall(one), DECIMAL.findall(other), strict=True)
    digits = [(a, b, len(a.split(".")[1])) for a, b in pairs]
    return all(len(b.split(".")[1]) == n and abs(float(a) - float(b)) < 1.5 * 10**-n for a, b, n in digits)


def differences(target: Path, page: Path = PAGE, write: bool = False) -> list[str]:
    """Returns the items of which the page tells otherwise than the kept runs.

    Args:
      target: the folder of kept results.
      page: the page.
      write: whether what they come to is written there.
    """
    text, other = page.read_text(), []
    for name in ITEMS:
        now = written(text, name, found(name, target))
        other += [] if told_alike(now, text) else [name]
        text = now
    if write:
        page.write_text(text)
    return other


def keep(target: Path, new: Sequence[Path]) -> None:
    """Keeps runs of `sweeps/calibration/` in place of those of the same names."""
    folder = target / FOLDER
    with tempfile.TemporaryDirectory() as fresh:
        keep_runs({path.name: path for path in new}, Path(fresh) / FOLDER, {})
        origin = json.loads((Path(fresh) / FOLDER / "origin.json").read_text())
        if (folder / "origin.json").exists():
            before = json.loads((folder / "origin.json").read_text())
            origin["sweeps"] = before["sweeps"] | origin["sweeps"]
        folder.mkdir(exist_ok=True)
        for file in (Path(fresh) / FOLDER).glob("*.parquet"):
            shutil.move(file, folder / file.name)
    (folder / "origin.json").write_text(json.dumps(origin, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    results, *others = [word for word in sys.argv[1:] if word != "--write"]
    if others:
        keep(Path(results), [Path(other) for other in others])
    if (wrong := differences(Path(results), write="--write" in sys.argv)) and "--write" not in sys.argv:
        raise SystemExit(f"told otherwise than kept: {', '.join(wrong)}")
