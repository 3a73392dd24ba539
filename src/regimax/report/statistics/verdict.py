"""From estimates to a verdict: supported, refuted or undecided, by a rule that was written before the run.

A rule is a list of checks, each of which asks where the whole interval of an estimate lies. A claim is *supported* if
every check holds, *refuted* if one of them is known to fail, and *undecided* otherwise: where an interval reaches over
the border, where censoring leaves it open, where there are too few worlds, and where cells are still pending.

With intervals of coverage 1 - α, a check that does not hold passes with probability α/2 at most. All must pass for
"supported", so it comes up in error with probability α/2 at most, however many checks there are (Berger 1982,
intersection-union test). One failure is enough for "refuted", so k checks refute in error with probability k α/2 at
most (Bonferroni), where a check with a border on either side counts twice. Whoever looks at several settings and keeps
the best divides α among them: see :func:`shared`.

Reference: Berger (1982), Multiparameter hypothesis testing and acceptance sampling, Technometrics 24; Schuirmann (1987)
for `within`, two one-sided tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from regimax.report.statistics.estimate import Estimate

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
KINDS = ("claim", "control", "null")
"""What checks are of."""


class Check(NamedTuple):
    """A question to one estimate.

    Attributes:
      name: what is estimated.
      text: what it has to be.
      estimate: what the data say.
      holds: True or False where the whole interval lies on one side, None where it does not.
      sides: on how many sides of the border it can fail.
    """

    name: str
    text: str
    estimate: Estimate
    holds: bool | None
    sides: int = 1


class Verdict(NamedTuple):
    """What a run says about a claim.

    Attributes:
      outcome: 'supported', 'refuted' or 'undecided'.
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

    def checks(self) -> list[tuple[str, Check]]:
        """Returns every check with what it is of: the claim, its control or its null."""
        return [(kind, check) for kind in KINDS for check in getattr(self, kind)]

    def record(self) -> dict[str, Any]:
        """Returns it in plain data for JSON; an end at infinity is None."""
        plain = {name: _plain(value) for name, value in self._asdict().items() if name not in KINDS}
        return plain | {name: [_row(check) for check in getattr(self, name)] for name in KINDS}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(check: Check) -> dict[str, Any]:
    estimate = {name: _plain(value) for name, value in check.estimate._asdict().items()}
    return {"name": check.name, "text": check.text, "holds": check.holds, **estimate}


def above(name: str, estimate: Estimate, border: float) -> Check:
    """Asks for more than `border`: the interval's lower end must be above it; fails if the upper end is not.

    Example:
      >>> above("saving", Estimate(0.9, 0.5, 1.2, "ln ratio", 16), 0.0).holds
      True
      >>> above("saving", Estimate(0.9, -0.1, 1.2, "ln ratio", 16), 0.0).holds is None
      True
    """
    return Check(name, f"{name} > {border:g}", estimate, _side(estimate.low > border, estimate.high <= border))


def below(name: str, estimate: Estimate, border: float) -> Check:
    """Asks for less than `border`: the interval's upper end must be below it; fails if the lower end is not."""
    return Check(name, f"{name} < {border:g}", estimate, _side(estimate.high < border, estimate.low >= border))


def within(name: str, estimate: Estimate, low: float, high: float) -> Check:
    """Asks for equivalence: the whole interval must lie between `low` and `high`; fails if all of it lies outside.

    Example:
      >>> within("saving of the sham", Estimate(0.0, -0.2, 0.3, "ln ratio", 16), -0.5, 0.5).holds
      True
    """
    inside = estimate.low > low and estimate.high < high
    outside = estimate.low >= high or estimate.high <= low
    return Check(name, f"{low:g} < {name} < {high:g}", estimate, _side(inside, outside), sides=2)


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
    control: Sequence[Check] = (),
    null: Sequence[Check] = (),
    cells: pl.DataFrame,
    rule: str = "",
    worlds: int = 16,
) -> Verdict:
    """Returns the verdict of a rule.

    Args:
      claim: checks of the claim, at least one; the first gives the effect.
      control: checks that the control does not show it.
      null: checks that the null world does not show it.
      cells: one row per cell behind it, as `run.cells` has them: `status`, `flops`, `env_steps`, `passive_steps`.
      rule: the rule in words; the checks' texts joined by "and" when not given.
      worlds: the fewest independent worlds on which anything is decided.

    Returns:
      supported if every check holds, refuted if one fails, undecided otherwise, and whenever cells are pending or there
      are too few worlds.

    Raises:
      ValueError: if `claim` is empty.

    Example:
      >>> cells = pl.DataFrame({"status": ["done"] * 4, "flops": 1.0, "env_steps": 8, "passive_steps": 0})
      >>> saved = Estimate(1.1, 0.7, 1.4, "ln ratio", 16)
      >>> verdict = decide([above("saving", saved, 0.0)], cells=cells)
      >>> verdict.outcome, verdict.errors
      ('supported', 'supported in error at most 2.5 %, refuted in error at most 2.5 %')
    """
    if not claim:
        raise ValueError("decide: a rule needs at least one check of its claim")
    checks = [*claim, *control, *null]
    behind = min(check.estimate.worlds for check in checks)
    pending = cells.filter(pl.col("status") == "pending").height
    failed, open_ = [c for c in checks if c.holds is False], [c for c in checks if c.holds is None]
    if pending:
        outcome, reason = UNDECIDED, f"{pending:,} of {cells.height:,} cells are pending"
    elif behind < worlds:
        outcome, reason = UNDECIDED, f"{behind} worlds are fewer than {worlds}"
    elif failed:
        outcome, reason = REFUTED, "; ".join(f"not so: {_found(c)}" for c in failed)
    elif open_:
        outcome, reason = UNDECIDED, "; ".join(f"cannot be told: {_found(c)}" for c in open_)
    else:
        outcome, reason = SUPPORTED, "; ".join(_found(c) for c in checks)
    effect = claim[0].estimate
    support = max((1.0 - check.estimate.confidence) / 2 for check in checks)
    refute = min(1.0, sum(check.sides * (1.0 - check.estimate.confidence) / 2 for check in checks))
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
        errors=f"supported in error at most {100 * support:.3g} %, refuted in error at most {100 * refute:.3g} %",
    )


def _found(check: Check) -> str:
    return f"{check.text}, found {check.estimate.text()}"
