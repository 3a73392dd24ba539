"""The tables of results in the README and in the sweeps' docstrings, from the runs of those sweeps.

Command: python docs/tables.py runs/quickstart runs/exemplar runs/lock runs/deepsea
"""

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

import polars as pl

import regimax as rx
from regimax import report
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


def exemplar(run: Run) -> list[str]:
    """Median episodes, which are steps there, to the threshold, and success at the end."""
    number = shown("threshold_env_steps", ",.0f")
    entry = pl.when("threshold_censored").then(pl.format("none in {}", number)).otherwise(number)
    groups = report.summary(run.cells)
    return [*wide(groups, entry), "success at the end:", *wide(groups, shown("success_median", ".2f"))]


def growth(run: Run, arms: pl.DataFrame) -> list[str]:
    """How the median episodes to the first success in training and to the threshold grow with depth.

    The slopes are those of their logarithms, from the depth before. “>” marks a lower bound: fewer than half of the
    worlds got there.

    Args:
      run: the run.
      arms: what is compared: `cell`, `arm` and `depth`, the steps of an episode.

    Returns:
      lines of a table.
    """
    succeeded = run.curves.filter(pl.col("train_success") > 0).group_by("cell").agg(first=pl.col("env_steps").min())
    cells = run.cells.join(arms, on="cell", maintain_order="left").join(succeeded, on="cell", how="left")
    found: dict[str, list[tuple[int, list[tuple[float, bool]], str]]] = {}
    for (arm, depth), group in cells.group_by(["arm", "depth"], maintain_order=True):
        medians = []
        for reached in ("first", "solved_at_env_step"):
            steps, censored = report.threshold_median(group[reached].to_list(), group["env_steps"].to_list())
            medians.append(((steps or math.nan) / depth, censored))
        solved = group["solved_at_env_step"].count()
        found.setdefault(arm, []).append((depth, medians, f"{solved} of {group.height}"))
    rows = []
    for arm, points in found.items():
        slopes = [["", ""]]
        for (near, before, _), (far, after, _) in pairwise(points):
            pairs = zip(before, after, strict=True)
            slopes.append(
                ["?" if a[1] else f"{'> ' * b[1]}{math.log(b[0] / a[0]) / (far - near):.2f}" for a, b in pairs]
            )
        for (depth, medians, solved), slope in zip(points, slopes, strict=True):
            rows.append([arm, depth, solved, *(f"{'> ' * censored}{n:,.0f}" for n, censored in medians), *slope])
    return markdown(["", "depth", "worlds solved", "first success", "solved", "slope", "slope"], rows)


def lock(run: Run) -> list[str]:
    """Growth by regime."""
    return growth(run, run.cells.select("cell", arm="regime", depth="world.depth"))


def deepsea(run: Run) -> list[str]:
    """Growth by what the regimes' names say before their depth."""
    name = pl.col("regime").str.split(" ")
    return growth(run, run.cells.select("cell", arm=name.list.first(), depth=name.list.last().cast(pl.Int64)))


TABLES = {"quickstart": quickstart, "exemplar": exemplar, "lock": lock, "deepsea": deepsea}

for path in sys.argv[1:]:
    loaded = rx.load_run(path)
    print(f"\n{path}", *TABLES[loaded.facts["name"]](loaded), sep="\n")
