"""The phase diagram: where one arm needs less effort than another, over richness and the width of reward."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from regimax.errors import UserError
from regimax.report.aggregate import wilson
from regimax.report.statistics._bootstrap import RESAMPLES, draws, percentiles
from regimax.report.statistics.exchange import break_even
from regimax.report.statistics.paired import KEY, effect, pairs

Floats = NDArray[np.float64]


class PhaseDiagram(NamedTuple):
    """Where arm a beats arm b.

    Attributes:
      points: one row per point: `x`, `y` (logarithms), `worlds`, `known` (pairs of learners of which it is known who
        was first), `p` (P(T_a < T_b), ties ½; null where none is known), `low`, `high` (Wilson), `solved_a`,
        `solved_b` (shares), `mark`: 'both fail', 'a only', 'b only' or 'both solve' by whether half of the cells get
        there, and `hurts`: whether the whole interval of ln T_a - ln T_b lies above 0.
      boundary: one row per y: `y`, `x` where p crosses ½ (null where it does not, or too little is known), and its band
        `low`, `high` over worlds; an end is infinite where it lies beyond the points.
    """

    points: pl.DataFrame
    boundary: pl.DataFrame


def phase_diagram(
    a: pl.DataFrame,
    b: pl.DataFrame,
    x: pl.Expr,
    y: pl.Expr,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> PhaseDiagram:
    """P(T_a < T_b) on a grid, and the line where it is ½.

    Along x, p is made monotone by the better of a rising and a falling isotonic regression, and crosses ½ once at most,
    by linear interpolation. The band repeats that on resampled worlds, a drawn world bringing all of its points.

    Args:
      a: of :func:`times`, the arm in question at all settings.
      b: the same of the arm it is compared with.
      x: richness, a polars expression such as ``pl.col("world.skills")``; its logarithm is drawn.
      y: reward bits, likewise.
      confidence: of intervals and band.
      resamples: of the bootstrap over worlds.

    Returns:
      points and boundary.

    Raises:
      UserError: if a learner has two rows at one point, or the arms share none.
    """
    sides = [_placed(side, x, y) for side in (a, b)]
    at = ["_x", "_y"]
    differences = pairs(*sides, by=at).join(_who(*sides), on=[*KEY, *at])
    rows = []
    for (px, py), group in differences.sort(at).group_by(at, maintain_order=True):
        known = group["first"].drop_nulls()
        p = known.mean() if len(known) else None
        low, high = wilson(round(float(known.sum())), len(known)) if len(known) else (None, None)
        solved = [_solved(side, px, py) for side in sides]
        rows.append(
            {
                "x": px,
                "y": py,
                "worlds": group["world_seed"].n_unique(),
                "known": len(known),
                "p": p,
                "low": low,
                "high": high,
                "solved_a": solved[0],
                "solved_b": solved[1],
                "mark": _MARKS[solved[0] >= 0.5, solved[1] >= 0.5],
                "hurts": effect(group, confidence).low > 0,
            }
        )
    points = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("p", "low", "high"), pl.Float64))
    return PhaseDiagram(points, _boundary(differences, confidence, resamples))


def break_even_map(
    scratch: pl.DataFrame, pretrained: pl.DataFrame, x: pl.Expr, y: pl.Expr, *, confidence: float = 0.95
) -> pl.DataFrame:
    """From how many tasks on one base model pays, on a grid.

    Args:
      scratch: of :func:`times` in the unit "flops_rl", at all settings.
      pretrained: the same of the pretrained arm.
      x: as of :func:`phase_diagram`.
      y: likewise.
      confidence: of intervals.

    Returns:
      one row per point: `x`, `y` (logarithms), `worlds`, and of :func:`break_even` `tasks` (null where a task saves
      nothing, or budgets hide it), `low` and `high`; `enough`: `tasks`, or where that is null the median of what is
      known to be enough in each world, infinite where nothing is.

    Raises:
      UserError: as :func:`break_even`, or if the arms share no point.
    """
    sides = [_placed(side, x, y) for side in (scratch, pretrained)]
    at = ["_x", "_y"]
    points = sides[0].select(at).unique().join(sides[1].select(at).unique(), on=at).sort(at)
    if points.is_empty():
        raise UserError("break_even_map: the arms have no point in common")
    rows = []
    for px, py in points.iter_rows():
        here = [side.filter(pl.col("_x") == px, pl.col("_y") == py) for side in sides]
        found = break_even(here[0], here[1], confidence)
        # The interval of no coverage is between the ends of the worlds in the middle.
        enough = break_even(here[0], here[1], _NONE).high if found.value is None else found.value
        rows.append(
            {"x": px, "y": py, "worlds": found.worlds, "tasks": found.value, "low": found.low, "high": found.high}
            | {"enough": enough}
        )
    return pl.DataFrame(rows, schema_overrides={"tasks": pl.Float64})


_NONE = 1e-9


def _placed(side: pl.DataFrame, x: pl.Expr, y: pl.Expr) -> pl.DataFrame:
    """An arm with the logarithms of its settings."""
    return side.with_columns(_x=x.cast(pl.Float64).log(), _y=y.cast(pl.Float64).log())


_MARKS = {(False, False): "both fail", (True, False): "a only", (False, True): "b only", (True, True): "both solve"}
"""By whether a and b get there."""


def _who(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Whether a was first, by the evaluations that showed it: 1, ½ or 0; null where the budgets hide it."""
    key = [*KEY, "_x", "_y"]
    both = a.select(*key, "reached", "low").join(b.select(*key, "reached", "low"), on=key, suffix="_b")
    ra, rb = pl.col("reached"), pl.col("reached_b")
    first = (
        pl.when(ra < rb).then(1.0).when(ra > rb).then(0.0).when(ra == rb).then(0.5)
        .when(ra <= pl.col("low_b")).then(1.0).when(rb <= pl.col("low")).then(0.0)
    )  # fmt: skip
    return both.select(*key, first=first)


def _solved(side: pl.DataFrame, x: object, y: object) -> float:
    here = side.filter(pl.col("_x") == x, pl.col("_y") == y)
    return float((~here["censored"]).mean())  # type: ignore[arg-type]


def _boundary(differences: pl.DataFrame, confidence: float, resamples: int) -> pl.DataFrame:
    learners = differences.select(KEY).unique().sort(KEY).with_row_index("_learner")
    xs, ys = (differences[name].unique().sort().to_numpy() for name in ("_x", "_y"))
    placed = differences.join(learners, on=KEY)
    grid = np.full((learners.height, len(ys), len(xs)), np.nan)
    where = (placed["_learner"].to_numpy(), np.searchsorted(ys, placed["_y"]), np.searchsorted(xs, placed["_x"]))
    grid[where] = placed["first"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    whole = [crossing(xs, *_share(grid[:, j])) for j in range(len(ys))]
    found = np.asarray(
        [
            [crossing(xs, *_share(grid[rows, j])) for j in range(len(ys))]
            for rows in draws(learners["world_seed"].to_numpy(), resamples)
        ]
    )
    bands = [percentiles(found[:, j], confidence) for j in range(len(ys))]
    return pl.DataFrame(
        {
            "y": ys,
            "x": [value if math.isfinite(value) else None for value in whole],
            "low": [band[0] for band in bands],
            "high": [band[1] for band in bands],
        },
        schema_overrides={"x": pl.Float64},
    )


def _share(first: Floats) -> tuple[Floats, Floats]:
    """Mean of what is known along the first axis, and how many that is."""
    count = (~np.isnan(first)).sum(0).astype(float)
    return np.divide(np.nansum(first, 0), count, out=np.full(len(count), np.nan), where=count > 0), count


def crossing(x: Floats, p: Floats, weight: Floats) -> float:
    """Where p crosses ½ along x, once it is made monotone.

    Args:
      x: `[n]` in rising order.
      p: `[n]` shares, NaN where nothing is known.
      weight: `[n]` how many each stands for.

    Returns:
      the crossing by linear interpolation; -inf where p is above ½ everywhere, inf where it is not: there a p that
      rises with x would cross if it went on; NaN where fewer than two points are known.

    Example:
      >>> crossing(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.25, 0.75]), np.ones(3))
      1.5
    """
    known = weight > 0
    if known.sum() < 2:
        return math.nan
    x, p, weight = x[known], p[known], weight[known]
    fits = [scipy.optimize.isotonic_regression(p, weights=weight, increasing=up).x for up in (True, False)]
    costs = [float(weight @ (p - fit) ** 2) for fit in fits]
    rising = costs[0] <= costs[1]
    fit = fits[0] if rising else fits[1]
    above = fit > 0.5 if rising else fit < 0.5
    if above.all() or not above.any():
        return -math.inf if fit.mean() > 0.5 else math.inf
    i = int(np.argmax(above))
    start, stop = fit[i - 1], fit[i]
    return float(x[i - 1] + (0.5 - start) / (stop - start) * (x[i] - x[i - 1]))
