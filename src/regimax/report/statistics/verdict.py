"""From estimates to a verdict: supported, refuted, inconclusive or invalid, by a rule that was written before the run.

A rule is a list of checks, each of which asks where the whole interval of an estimate lies. Some are of the claim;
the others are of the test: that the *control* does not show the effect, that the *null* world does not, and that the
*assay* could have shown it: that what is known to be there was found, that there was room, that arms were tuned.

- *invalid*: a control or null is known to fail. The contrast is confounded, and says nothing on the claim.
- *inconclusive*: an assay check does not hold, or what decides cannot be told.
- *supported*: all hold.
- *refuted*: assay, control and null hold, and a check of the claim is known to fail. A claim is a conjunction, so one
  is enough, whatever the others say.

With intervals of coverage 1 - α, a check that does not hold passes with probability α/2 at most. All must pass for
"supported", so it comes up in error with probability α/2 at most, however many checks there are (Berger 1982,
intersection-union test). One failure is enough for "refuted", so of k borders each must fail with its interval of
coverage 1 - α/k (Bonferroni), and "refuted" is in error with probability α/2 at most, too. Whoever looks at several
settings and keeps the best divides α among them: see :func:`shared`.

Reference: Berger (1982), Multiparameter hypothesis testing and acceptance sampling, Technometrics 24; Schuirmann (1987)
for `within`, two one-sided tests; ICH E10 (2000), section 1.5, for assay sensitivity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from regimax.errors import UserError
from regimax.report.statistics._power import worlds_to_decide
from regimax.report.statistics.estimate import Estimate

SUPPORTED, REFUTED, INCONCLUSIVE, INVALID = "supported", "refuted", "inconclusive", "invalid"
KINDS = ("claim", "assay", "control", "null")
"""What checks are of."""


class Check(NamedTuple):
    """A question to one estimate.

    Attributes:
      name: what is estimated.
      text: what it has to be.
      estimate: what the data say.
      holds: True or False where the whole interval lies on one side, None where it does not.
      borders: what the estimate must lie between; infinite where there is none.
      needs: what would have to change for it to hold, where no number of worlds would do; empty where worlds might.
      fails: beyond which of two borders it fails, where that takes more than not to hold; the same when None.
    """

    name: str
    text: str
    estimate: Estimate
    holds: bool | None
    borders: tuple[float, float] = (-math.inf, math.inf)
    needs: str = ""
    fails: tuple[float, float] | None = None

    @property
    def failing(self) -> tuple[float, float]:
        """Beyond which two borders it fails."""
        return self.borders if self.fails is None else self.fails

    @property
    def sides(self) -> int:
        """On how many sides it can fail."""
        return sum(math.isfinite(border) for border in self.failing)

    def fails_at(self, confidence: float) -> bool:
        """Whether it is known to fail with an interval of another coverage."""
        wider = self.estimate.at(confidence)
        return wider is not None and (wider.low >= self.failing[1] or wider.high <= self.failing[0])

    def lacking(self) -> str:
        """What would decide it, where it is not known to hold or fail: worlds by power, or a larger budget."""
        if self.needs:
            return "" if self.holds else self.needs
        if self.holds is not None:
            return ""
        found = self.estimate
        if found.value is None or not math.isfinite(found.half_width):
            return f"{self.name}: a larger budget, until what is censored is seen"
        if found.low >= self.borders[1] or found.high <= self.borders[0]:
            return f"{self.name}: nothing, it lies between what supports the claim and what refutes it"
        if not self.borders[0] < found.value < self.borders[1] and self.failing[0] < found.value < self.failing[1]:
            return f"{self.name}: finer borders, as it seems to lie between those of support and refutation"
        wanted = worlds_to_decide(found, self.borders)
        return f"{self.name}: {'a finer border' if wanted is None else f'about {wanted:,} worlds'}"


class Verdict(NamedTuple):
    """What a run says about a claim.

    Attributes:
      outcome: 'supported', 'refuted', 'inconclusive' or 'invalid'.
      effect: size of the effect, in `unit`; None where censoring hides it.
      low: lower end of its interval.
      high: upper end of its interval.
      unit: of the three.
      rule: the rule in words.
      control: checks of what must not show the effect.
      null: checks of the world in which the favoured regime must not win.
      cells: how many cells are behind it.
      effort: what they spent along their paths: `flops`, `env_steps` and `passive_steps`.
      reason: why this outcome.
      claim: checks of the claim itself; the first is the effect.
      worlds: the fewest independent worlds behind a check.
      errors: how often such a verdict comes up in error, in words.
      assay: checks that the design could have shown the effect.
      needs: where it is inconclusive, what would decide it.
    """

    outcome: str
    effect: float | None
    low: float
    high: float
    unit: str
    rule: str
    control: tuple[Check, ...]
    null: tuple[Check, ...]
    cells: int
    effort: dict[str, float]
    reason: str
    claim: tuple[Check, ...]
    worlds: int
    errors: str
    assay: tuple[Check, ...] = ()
    needs: tuple[str, ...] = ()

    def checks(self) -> list[tuple[str, Check]]:
        """Returns every check with what it is of: the claim, the assay, its control or its null."""
        return [(kind, check) for kind in KINDS for check in getattr(self, kind)]

    def record(self) -> dict[str, Any]:
        """Returns it in plain data for JSON; an end at infinity is None."""
        plain = {name: _plain(value) for name, value in self._asdict().items() if name not in KINDS}
        return plain | {name: [_row(check) for check in getattr(self, name)] for name in KINDS}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(check: Check) -> dict[str, Any]:
    estimate = {name: _plain(value) for name, value in check.estimate._asdict().items() if name != "again"}
    return {"name": check.name, "text": check.text, "holds": check.holds, **estimate}


def above(name: str, estimate: Estimate, border: float, fails: float | None = None) -> Check:
    """Asks for more than `border`: the interval's lower end must be above it; fails if the upper end is not.

    Args:
      name: what is estimated.
      estimate: with its interval.
      border: above which it must lie.
      fails: a lower border, at or below which the upper end must lie for it to fail: what lies between the two neither
        supports nor refutes. -inf where it cannot fail; `border` when not given.

    Example:
      >>> above("saving", Estimate(0.9, 0.5, 1.2, "ln ratio", 16), 0.0).holds
      True
      >>> above("saving", Estimate(0.9, -0.1, 1.2, "ln ratio", 16), 0.0).holds is None
      True
      >>> above("saving", Estimate(0.9, 0.8, 1.0, "ln ratio", 16), 2.0, fails=0.5).holds is None
      True
    """
    least = border if fails is None else fails
    if least > border:
        raise UserError(f"{name}: fails must be at most the border {border:g}, found {least:g}")
    holds = _side(estimate.low > border, estimate.high <= least and math.isfinite(least))
    return Check(name, f"{name} > {border:g}", estimate, holds, (border, math.inf), fails=(least, math.inf))


def below(name: str, estimate: Estimate, border: float, fails: float | None = None) -> Check:
    """Asks for less than `border`: the interval's upper end must be below it; fails if the lower end is not.

    Args:
      name: what is estimated.
      estimate: with its interval.
      border: below which it must lie.
      fails: likewise a higher border for it to fail; inf where it cannot.
    """
    most = border if fails is None else fails
    if most < border:
        raise UserError(f"{name}: fails must be at least the border {border:g}, found {most:g}")
    holds = _side(estimate.high < border, estimate.low >= most and math.isfinite(most))
    return Check(name, f"{name} < {border:g}", estimate, holds, (-math.inf, border), fails=(-math.inf, most))


def within(name: str, estimate: Estimate, low: float, high: float) -> Check:
    """Asks for equivalence: the whole interval must lie between `low` and `high`; fails if all of it lies outside.

    Example:
      >>> within("saving of the sham", Estimate(0.0, -0.2, 0.3, "ln ratio", 16), -0.5, 0.5).holds
      True
    """
    inside = estimate.low > low and estimate.high < high
    outside = estimate.low >= high or estimate.high <= low
    return Check(name, f"{low:g} < {name} < {high:g}", estimate, _side(inside, outside), (low, high))


def _side(holds: bool, fails: bool) -> bool | None:
    return True if holds else False if fails else None


def shared(confidence: float, comparisons: int) -> float:
    """Returns the confidence for each of several comparisons that are to keep one error rate (Bonferroni).

    1 - (1 - confidence) / comparisons

    Example:
      >>> round(shared(0.95, 5), 6)
      0.99
    """
    return 1.0 - (1.0 - confidence) / comparisons


def decide(
    claim: Sequence[Check],
    *,
    assay: Sequence[Check],
    control: Sequence[Check] = (),
    null: Sequence[Check] = (),
    cells: pl.DataFrame,
    rule: str = "",
    worlds: int = 16,
) -> Verdict:
    """Returns the verdict of a rule.

    Args:
      claim: checks of the claim, at least one; the first gives the effect.
      assay: checks that the design could have come out either way, at least one; `assay.py` has some ready-made.
      control: checks that the control does not show it.
      null: checks that the null world does not show it.
      cells: one row per cell behind it, as `run.cells` has them: `status`, `flops`, `env_steps`, `passive_steps`.
      rule: the rule in words; the checks' texts joined by "and" when not given.
      worlds: the fewest independent worlds on which anything is decided.

    Returns:
      the verdict; inconclusive whenever cells are pending or there are too few worlds.

    Raises:
      UserError: if there is no check of the claim, or none of the assay.

    Example:
      >>> cells = pl.DataFrame({"status": ["done"] * 4, "flops": 1.0, "env_steps": 8, "passive_steps": 0})
      >>> saved, room = Estimate(1.1, 0.7, 1.4, "ln ratio", 16), Estimate(3.1, 2.8, 3.3, "ln ratio", 16)
      >>> verdict = decide([above("saving", saved, 0.0)], assay=[above("room", room, 1.0)], cells=cells)
      >>> verdict.outcome, verdict.errors
      ('supported', 'supported in error at most 2.5 %, refuted in error at most 2.5 %')
    """
    if not claim:
        raise UserError("decide: a rule needs at least one check of its claim, found none")
    if not assay:
        raise UserError(
            "decide: a rule needs at least one assay check, found none: could the run have shown the effect?"
        )
    checks, test = [*claim, *assay, *control, *null], [*control, *null]
    behind = min(check.estimate.worlds for check in [*claim, *test])
    pending = cells.filter(pl.col("status") == "pending").height
    borders = max(1, sum(check.sides for check in claim))
    false = [c for c in claim if c.holds is False and c.fails_at(shared(c.estimate.confidence, borders))]
    confounded = [c for c in test if c.holds is False]
    unfit = [c for c in assay if not c.holds]
    unknown = [c for c in test if c.holds is None] or [c for c in claim if not c.holds]
    if pending:
        outcome, reason = INCONCLUSIVE, f"{pending:,} of {cells.height:,} cells are pending"
    elif behind < worlds:
        outcome, reason = INCONCLUSIVE, f"{behind} worlds are fewer than {worlds}"
    elif confounded:
        outcome, reason = INVALID, "; ".join(f"not so: {_found(c)}" for c in confounded)
    elif unfit or any(c.holds is None for c in test):
        said = [f"could not have told: {_found(c)}" for c in unfit]
        outcome, reason = INCONCLUSIVE, "; ".join(said + [f"cannot be told: {_found(c)}" for c in test if not c.holds])
    elif false:
        outcome, reason = REFUTED, "; ".join(f"not so: {_found(c)}" for c in false)
    elif unknown:
        outcome, reason = INCONCLUSIVE, "; ".join(f"cannot be told: {_found(c)}" for c in unknown)
    else:
        outcome, reason = SUPPORTED, "; ".join(_found(c) for c in checks)
    effect = claim[0].estimate
    support = max((1.0 - check.estimate.confidence) / 2 for check in [*claim, *test])
    refute = sum(check.sides * (1.0 - check.estimate.confidence) / (2 * borders) for check in claim)
    confuse = min(1.0, sum(check.sides * (1.0 - check.estimate.confidence) / 2 for check in test))
    errors = {"supported": support, "refuted": refute} | ({"invalid": confuse} if test else {})
    return Verdict(
        outcome=outcome,
        effect=effect.value,
        low=effect.low,
        high=effect.high,
        unit=effect.unit,
        rule=rule or " and ".join(check.text for check in checks),
        control=tuple(control),
        null=tuple(null),
        cells=cells.height,
        effort={name: float(cells[name].sum()) for name in ("flops", "env_steps", "passive_steps")},
        reason=reason,
        claim=tuple(claim),
        worlds=behind,
        errors=", ".join(f"{name} in error at most {100 * rate:.3g} %" for name, rate in errors.items()),
        assay=tuple(assay),
        needs=tuple(dict.fromkeys(filter(None, (c.lacking() for c in checks)))) if outcome == INCONCLUSIVE else (),
    )


def _found(check: Check) -> str:
    return f"{check.text}, found {check.estimate.text()}"
