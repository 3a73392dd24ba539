"""Regression of ln T on settings where T is known up to an interval: what a model says beyond the exact slopes.

ln T = x·β + σ ε, ε normal (Tobit; log-normal accelerated failure time) or of the smallest extreme value (Weibull). Each
T adds ln(F(z_high) - F(z_low)) to the likelihood, z = (ln T - x·β) / σ, and its density where both ends are one. Unlike
`slopes` it weighs censored cells by the model, which must then be believed beyond the budget; and it is not given where
the cells that got there do not determine it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy
from numpy.typing import ArrayLike, NDArray

from regimax.errors import UserError, unknown
from regimax.report.statistics.estimate import Estimate, nothing

Floats = NDArray[np.float64]


class Law(NamedTuple):
    """The distribution of an error ε, as functions of z `[n]`; `scipy.stats` has the same, ten times slower.

    Attributes:
      below: ln P(ε < z).
      above: ln P(ε > z).
      density: its logarithm.
      bend: derivative of that by z.
    """

    below: Callable[[Floats], Floats]
    above: Callable[[Floats], Floats]
    density: Callable[[Floats], Floats]
    bend: Callable[[Floats], Floats]


def _minimum_below(z: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(-np.expm1(-np.exp(np.minimum(z, 500.0))))


ERRORS = {
    "normal": Law(
        below=lambda z: scipy.special.log_ndtr(z),
        above=lambda z: scipy.special.log_ndtr(-z),
        density=lambda z: -0.5 * z * z - 0.5 * np.log(2 * np.pi),
        bend=lambda z: -z,
    ),
    "minimum": Law(
        below=_minimum_below,
        above=lambda z: -np.exp(np.minimum(z, 500.0)),
        density=lambda z: z - np.exp(np.minimum(z, 500.0)),
        bend=lambda z: 1.0 - np.exp(np.minimum(z, 500.0)),
    ),
}
"""Errors that :func:`censored_regression` knows: normal, or the smallest extreme value, P(ε > z) = exp(-e^z)."""


SURE = 1e-6
"""Nats below certainty from which on every interval is met, and the likelihood has no maximum but a plateau."""


class Solution(NamedTuple):
    """A maximum of the likelihood.

    Attributes:
      coefficients: `[P]` β.
      scale: σ.
      log_likelihood: at the maximum, nats.
    """

    coefficients: Floats
    scale: float
    log_likelihood: float


def maximum_likelihood(
    low: ArrayLike, high: ArrayLike, design: ArrayLike, errors: str = "normal", start: Solution | None = None
) -> Solution:
    """Fits y = x·β + σ ε to intervals.

    Args:
      low: `[n]` lower ends of y, -inf where it is left-censored.
      high: `[n]` upper ends, inf where it is right-censored; equal to `low` where y is known.
      design: `[n, P]` x, the intercept among them.
      errors: "normal" or "minimum" (smallest extreme value).
      start: where to begin.

    Raises:
      UserError: if the rows whose both ends are known do not determine β, or if σ can shrink to nothing as a line
        passes through all intervals: then others do as well.

    Reference:
      Tobin (1958), Estimation of relationships for limited dependent variables, Econometrica 26; Kalbfleisch and
      Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3.
    """
    lower, upper, x = np.asarray(low, float), np.asarray(high, float), np.asarray(design, float)
    bounded = np.isfinite(lower) & np.isfinite(upper)
    if bounded.sum() <= x.shape[1] or np.linalg.matrix_rank(x[bounded]) < x.shape[1]:
        raise UserError(f"{int(bounded.sum())} cells that got there do not determine {x.shape[1]} coefficients")
    q, r = np.linalg.qr(x)  # orthonormal columns: one step size suits all
    middle = (lower[bounded] + upper[bounded]) / 2
    if start is None:
        first = np.linalg.lstsq(q[bounded], middle, rcond=None)[0]
        spread = np.sqrt(np.mean((middle - q[bounded] @ first) ** 2))
        first = np.append(first, np.log(max(spread, 1e-3 * (1.0 + np.abs(middle).max()))))
    else:
        first = np.append(r @ start.coefficients, np.log(start.scale))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        value, along, scale = _likelihood(lower, upper, q @ parameters[:-1], parameters[-1], errors)
        return -value, -np.append(q.T @ along, scale)

    found = scipy.optimize.minimize(loss, first, jac=True, method="BFGS", options={"gtol": 1e-7})
    if found.fun < SURE and not (lower == upper).any():
        raise UserError(f"{len(lower)} intervals that a line passes through do not determine {x.shape[1]} coefficients")
    return Solution(np.linalg.solve(r, found.x[:-1]), float(np.exp(found.x[-1])), -float(found.fun))


def _likelihood(
    lower: Floats, upper: Floats, mean: Floats, log_scale: float, errors: str
) -> tuple[float, Floats, float]:
    """The log-likelihood, and its derivatives by every mean `[n]` and by ln σ."""
    law, scale = ERRORS[errors], np.exp(log_scale)
    a, b = (lower - mean) / scale, (upper - mean) / scale
    known = lower == upper
    upper_tail = a > 0  # differences of small tails, not of numbers near 1
    big = np.where(upper_tail, law.above(a), law.below(b))
    small = np.where(upper_tail, law.above(b), law.below(a))
    inside_a, inside_b = (np.where(np.isfinite(z), z, 0.0) for z in (a, b))
    density_a, density_b = (
        np.where(np.isfinite(end), law.density(z), -np.inf) for end, z in ((a, inside_a), (b, inside_b))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = big + np.log1p(-np.exp(np.minimum(small - big, 0.0)))
    mass = np.where(known, density_a - log_scale, np.fmax(mass, -1e300))
    share_a, share_b = (np.exp(np.minimum(density - mass, 600.0)) for density in (density_a, density_b))
    bend = law.bend(inside_a)
    along = np.where(known, -bend, share_a - share_b) / scale
    by_scale = np.where(known, -inside_a * bend - 1.0, inside_a * share_a - inside_b * share_b)
    return float(mass.sum()), along, float(by_scale.sum())


class Fit(NamedTuple):
    """A regression over worlds.

    Attributes:
      names: of the coefficients, `P` of them.
      coefficients: `[P]`; NaN where they are not determined.
      without: `[W, P]` the same with one world left out at a time.
      confidence: of the intervals it gives.
    """

    names: tuple[str, ...]
    coefficients: Floats
    without: Floats
    confidence: float

    def of(self, name: str) -> Estimate:
        """Returns one coefficient."""
        return self.contrast({name: 1.0})

    def contrast(self, weights: Mapping[str, float]) -> Estimate:
        """Returns a weighted sum of coefficients, for example the difference of two arms' slopes.

        Its interval is the jackknife's over worlds, with Student's t of W - 1 degrees of freedom. A world that is left
        out is so in every arm.

        Args:
          weights: by name; the others count 0.

        Raises:
          UserError: for a name that does not exist.

        Reference:
          Cameron and Miller (2015), A practitioner's guide to cluster-robust inference (CR3 by jackknife).
        """
        for name in weights:
            if name not in self.names:
                raise unknown("coefficient", name, self.names)
        weight = np.asarray([weights.get(name, 0.0) for name in self.names])
        used, worlds = weight != 0, len(self.without)
        unit = " + ".join(f"{weight:g} {name}" for name, weight in weights.items()) if len(weights) > 1 else ""
        value = float(self.coefficients[used] @ weight[used])
        left = self.without[:, used] @ weight[used]
        if not np.isfinite(value) or not np.isfinite(left).all():
            return nothing(unit, worlds, self.confidence, "not determined by the cells that got there")
        half = float(scipy.stats.t.ppf((1.0 + self.confidence) / 2, worlds - 1))
        half *= float(np.sqrt((worlds - 1) / worlds * np.sum((left - value) ** 2)))
        return Estimate(value, value - half, value + half, unit, worlds, self.confidence, "jackknife over worlds")


def censored_regression(
    frame: pl.DataFrame,
    terms: Mapping[str, pl.Expr],
    *,
    each: str | None = None,
    errors: str = "normal",
    confidence: float = 0.95,
) -> Fit:
    """Regresses ln T on settings: ln T = intercept + Σ_k β_k x_k + σ ε.

    Args:
      frame: of :func:`times`, one or several arms, on a scale of settings.
      terms: name and polars expression of each x, such as ``{"ln looks": pl.col("world.looks").log()}``.
      each: a column, such as "regime": every value of it has coefficients and a σ of its own, which are called
        ``name [value]``.
      errors: "normal" or "minimum".
      confidence: of the intervals.

    Returns:
      the fit; its intercepts are called "intercept".

    Raises:
      UserError: for unknown errors.
    """
    if errors not in ERRORS:
        raise unknown("errors", errors, ERRORS)
    names, points, lefts = [], [], []
    worlds = frame["world_seed"].unique().sort().to_numpy()
    parts = frame.partition_by(each, as_dict=True, maintain_order=True) if each else {(None,): frame}
    for (value,), part in parts.items():
        design = np.column_stack(
            [np.ones(part.height), *(part.select(x.cast(pl.Float64)).to_series() for x in terms.values())]
        )
        low, high = (part[end].log().to_numpy() for end in ("low", "high"))
        world = part["world_seed"].to_numpy()
        whole = _fitted(low, high, design, errors)
        points.append(whole.coefficients if whole else np.full(design.shape[1], np.nan))
        left = []
        for one in worlds:
            kept = world != one
            found = whole and (whole if kept.all() else _fitted(low[kept], high[kept], design[kept], errors, whole))
            left.append(found.coefficients if found else np.full(design.shape[1], np.nan))
        lefts.append(np.stack(left))
        names += [name if value is None else f"{name} [{value}]" for name in ("intercept", *terms)]
    return Fit(tuple(names), np.concatenate(points), np.concatenate(lefts, axis=1), confidence)


def _fitted(low: Floats, high: Floats, design: Floats, errors: str, start: Solution | None = None) -> Solution | None:
    try:
        return maximum_likelihood(low, high, design, errors, start)
    except UserError:
        return None
