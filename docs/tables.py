"""The tables of results in the README and in the sweeps' docstrings, from the runs of those sweeps.

Command: python docs/tables.py runs/quickstart docs/results/small/exemplar
Of runs, or of what is kept of them.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from kept import runs

import regimax as rx
from regimax import report
from regimax.report import statistics as st
from regimax.report import threshold_median
from regimax.sweep.loaded import Run


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table."""
    return ["| " + " | ".join(str(value) for value in row) + " |" for row in (head, ["---"] * len(head), *rows)]


def wide(groups: pl.DataFrame, entry: pl.Expr) -> list[str]:
    """A row per setting and a column per regime."""
    table = groups.with_columns(entry.alias("entry")).pivot("regime", index="setting", values="entry")
    return markdown(table.columns, table.rows())


def shown(name: str, form: str) -> pl.Expr:
    """A column of numbers as text."""
    return pl.col(name).map_elements(lambda value: format(value, form), pl.String)


def quickstart(run: Run) -> list[str]:
    """Median success with its quartiles, and on how many worlds one regime beats another."""
    entry = pl.format("{} ({}–{})", *(shown(f"success_{name}", ".2f") for name in ("median", "q25", "q75")))
    lines = wide(report.summary(run.cells), entry)
    for other in ("pure_rl", "sham_rl"):
        pairs = report.paired(run.cells, "pretrain_rl", other)
        wins = ", ".join(f"{row['wins']} of {row['pairs']} ({row['setting']})" for row in pairs.iter_rows(named=True))
        lines.append(f"worlds on which pretrain_rl beats {other}: {wins}")
    return lines


def saved(run: Run, unit: str = "env_steps", scratch: str = "pure_rl") -> list[str]:
    """What prediction beforehand has cost and saved."""
    table = report.savings(run, scratch=scratch, unit=unit).fill_null("")
    return markdown(table.columns, table.rows())


def exemplar(run: Run) -> list[str]:
    """Median episodes, which are steps there, to the threshold, success at the end, and what prediction has saved."""
    number = shown("threshold_env_steps", ",.0f")
    entry = pl.when("threshold_censored").then(pl.format("none in {}", number)).otherwise(number)
    groups = report.summary(run.cells)
    return [*wide(groups, entry), "success at the end:", *wide(groups, shown("success_median", ".2f")), *saved(run)]


def from_scratch(run: Run) -> list[str]:
    """Median episodes, which are rewards, and FLOPs to the threshold of each learner at its best step size."""
    rate, rows = "rl.learning_rate", []
    for arm in run.cells["regime"].unique(maintain_order=True):
        found = []
        for step in run.cells[rate].unique().to_list():
            times = [st.times(run, arm, unit=unit, where={rate: step}) for unit in ("env_steps", "flops")]
            episodes, flops = map(st.median_time, times)
            found.append((math.inf if episodes.value is None else episodes.value, step, episodes.text(), flops.text()))
        rows.append([arm, *min(found)[1:]])
    return markdown(["regime", rate, "episodes", "FLOPs"], rows)


def told(run: Run) -> list[str]:
    """Rewards delivered to the threshold with how many worlds got there, by what is seen for each."""
    column, arms = "observations_per_reward", run.cells["regime"].unique(maintain_order=True)
    numbers = run.cells[column].unique(maintain_order=True).to_list()
    rows = []
    for arm in arms:
        here = [st.times(run, arm, unit="rewards_delivered", where={column: n}) for n in numbers]
        rows.append([arm, *(f"{st.median_time(t).text()} ({(~t['censored']).sum()} of {len(t)})" for t in here)])
    return [*markdown([column, *numbers], rows), *saved(run, "rewards_delivered", "pure_rl-Q")]


def tasks(run: Run) -> list[str]:
    """Tasks that pay for one base model: as they add up, and by the formula for each of them alone."""
    scratch, predicted = (st.times(run, arm, unit="flops_rl") for arm in ("pure_rl", "pretrain_rl"))
    added = st.tasks_to_break_even(scratch, predicted).text()
    return [f"break-even, added up: {added}", *saved(run)]


def base_model(run: Run) -> list[str]:
    """pass@k where ``rl`` begins and where it ends, means over seeds, by what the stream covers."""
    rows = run.probes.filter(pl.col("phase") == "rl").sort("update")
    tries = sorted((n for n in rows.columns if n.startswith("pass_at_")), key=lambda n: int(n.rpartition("_")[2]))
    lines = []
    for when, chosen in (("the base model", pl.all().first()), ("after RL", pl.all().last())):
        ends = rows.group_by("cell", maintain_order=True).agg(chosen)
        groups = ends.group_by("regime", "setting", maintain_order=True).agg(pl.col(tries).mean())
        head = ["regime", "setting", *(name.replace("pass_at_", "pass@") for name in tries)]
        shares = [[*row[:2], *(f"{value:.2f}" for value in row[2:])] for row in groups.rows()]
        lines += [f"{when}:", *markdown(head, shares)]
    return lines


def corridor(run: Run) -> list[str]:
    """Median steps to the threshold, and what prediction has saved."""
    number = shown("threshold_env_steps", ",.0f")
    entry = pl.when("threshold_censored").then(pl.format("none in {}", number)).otherwise(number)
    return [*wide(report.summary(run.cells), entry), *saved(run)]


def growth(run: Run, arms: pl.DataFrame) -> list[str]:
    """How the median episodes to the threshold, and to the first success in training, grow with depth.

    The slope is that of their logarithm over the last two steps of depth. “>” marks a lower bound: no more than half
    of the worlds got there. How many did is in brackets.

    Args:
      run: the run.
      arms: what is compared: `cell`, `arm` and `depth`, the steps of an episode.

    Returns:
      lines of two tables.
    """
    succeeded = run.curves.filter(pl.col("train_success") > 0).group_by("cell").agg(first=pl.col("env_steps").min())
    cells = run.cells.join(arms, on="cell", maintain_order="left").join(succeeded, on="cell", how="left")
    depths = cells["depth"].unique().sort().to_list()
    lines = []
    for title, reached in (("threshold", "solved_at_env_step"), ("first success", "first")):
        rows = []
        for (arm,), group in cells.group_by(["arm"], maintain_order=True):
            row, logs = [arm], []
            for depth in depths:
                here = group.filter(pl.col("depth") == depth)
                steps, censored = threshold_median(here[reached].to_list(), here["env_steps"].to_list())
                episodes = (steps or math.nan) / depth
                row.append(f"{'> ' * censored}{episodes:,.0f} ({here[reached].count()})")
                logs.append((math.log(episodes), censored))
            (before, unknown), (after, bound) = logs[-3:][0], logs[-1]
            slope = (after - before) / (depths[-1] - depths[-3:][0])
            rows.append([*row, "?" if unknown else f"{'> ' * bound}{slope:.2f}"])
        lines += markdown([title, *depths, "slope"], rows)
    return lines


def lock(run: Run) -> list[str]:
    """Growth by regime."""
    return growth(run, run.cells.select("cell", arm="regime", depth="world.depth"))


def deepsea(run: Run) -> list[str]:
    """Growth by what the regimes' names say before their depth."""
    name = pl.col("regime").str.split(" ")
    return growth(run, run.cells.select("cell", arm=name.list.first(), depth=name.list.last().cast(pl.Int64)))


def planner(run: Run) -> list[str]:
    """Median steps to the threshold with the number of worlds that got there, and success when carried over at once."""
    number = shown("threshold_env_steps", ",.0f")
    entry = pl.format(
        "{}{} ({})", pl.when("threshold_censored").then(pl.lit("> ")).otherwise(pl.lit("")), number, "solved"
    )
    opening = run.curves.filter((pl.col("phase") == "rl") & (pl.col("update") == 0))
    groups = opening.group_by("regime", "setting", maintain_order=True).agg(
        pl.col("success").mean(), solved=(pl.col("success") >= run.facts["resolved"]["threshold"]).sum()
    )
    at_once = pl.format("{} ({})", shown("success", ".2f"), "solved")
    return [*wide(report.summary(run.cells), entry), "success at once:", *wide(groups, at_once)]


def at_the_end(rows: pl.DataFrame, measures: Sequence[str]) -> list[str]:
    """A table of each measure of a life at its end, means over seeds, regimes by what lasts."""
    last = rows.filter(pl.col("phase") == "life").sort("update").group_by("cell", maintain_order=True).last()
    lines = []
    for measure in measures:
        groups = last.group_by("regime", "lasting", maintain_order=True).agg(pl.col(measure).mean())
        table = groups.with_columns(entry=shown(measure, ".2f")).pivot("lasting", index="regime", values="entry")
        lines += [f"{measure}:", *markdown(table.columns, table.sort("regime").rows())]
    return lines


def recall(run: Run) -> list[str]:
    """Accuracy on what lasts and on what does not."""
    return at_the_end(run.curves, ["eval_stable_accuracy", "eval_dynamic_accuracy"])


def consolidation(run: Run) -> list[str]:
    """What the probes say at the end."""
    return at_the_end(run.probes, [name for name in run.probes.columns if name.startswith(("consolidation_", "room_"))])


TABLES = {
    "quickstart": quickstart,
    "exemplar": exemplar,
    "digits": exemplar,
    "from_scratch": from_scratch,
    "rewards_digits": told,
    "rewards_digits_dense": told,
    "rare": told,
    "dense": told,
    "rarer": told,
    "tasks": tasks,
    "base_model": base_model,
    "corridor": corridor,
    "lock": lock,
    "deepsea": deepsea,
    "planner": planner,
    "recall": recall,
    "consolidation": consolidation,
}


def lines(path: Path) -> list[str]:
    """The table of a run, or of one that is kept."""
    if (path / "origin.json").is_file():
        [(name, run)] = runs(path).items()
    else:
        run: Any = rx.load_run(path)
        name = run.facts["name"].rpartition(": ")[2]  # a claim's sweeps are called "C6 result: rare"
    return TABLES[name](run)


if __name__ == "__main__":
    for given in sys.argv[1:]:
        print(f"\n{given}", *lines(Path(given)), sep="\n")
