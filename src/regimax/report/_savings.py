"""What prediction has cost and saved in a run: shares, rates and break-even, setting by setting."""

from __future__ import annotations

import polars as pl

from regimax.errors import UserError
from regimax.report import statistics as st
from regimax.report.statistics.estimate import Estimate


def savings(
    run: st.Tables, *, scratch: str = "pure_rl", oracle: str = "oracle", unit: str = "env_steps", steps: float | str = 1
) -> pl.DataFrame:
    """Compares every arm that has predicted a stream beforehand with the one from scratch, and with the oracle.

    Args:
      run: the run.
      scratch: the regime that learns from reward alone.
      oracle: the regime that is given the concepts; where there is none, shares and recovery are empty.
      unit: of effort, see `regimax.report.statistics.times`.
      steps: environment steps of an episode, for `episodes`.

    Returns:
      one row per setting and such an arm: `regime`, `setting`, and as text, each with its interval, `concept_share` (of
      the effort from scratch what an oracle does not have), `recovery` (how much of the way from scratch to the oracle,
      in logarithms), `exchange_rate` (effort saved per observation of the stream) and `break_even` (tasks that would
      pay for one base model).

    Raises:
      UserError: if the run has no such regimes.
    """
    cells = run.cells
    if scratch not in cells["regime"]:
        raise UserError(f"savings: the run has no regime {scratch!r} to compare with")
    spent = pl.col("flops_without_env_steps") > 0
    arms = cells.filter(spent, pl.col("passive_steps") > 0)["regime"].unique(maintain_order=True).to_list()
    if not arms:
        raise UserError("savings: no regime of the run has predicted a stream beforehand")
    known = oracle in cells["regime"]
    rows = []
    for setting in cells["setting"].unique(maintain_order=True):

        def took(arm: str, unit: str = unit, setting: str = setting) -> pl.DataFrame:
            return st.times(run, arm, unit=unit, steps=steps, where={"setting": setting})

        share = st.concept_share(took(scratch), took(oracle)) if known else None
        for arm in arms:
            rows.append(
                {
                    "regime": arm,
                    "setting": setting,
                    "concept_share": _text(share),
                    "recovery": _text(st.recovery(took(scratch), took(arm), took(oracle)) if known else None),
                    "exchange_rate": _text(st.exchange_rate(took(scratch), took(arm))),
                    "break_even": _text(st.break_even(took(scratch, "flops_rl"), took(arm, "flops_rl"))),
                }
            )
    return pl.DataFrame(rows)


def _text(estimate: Estimate | None) -> str | None:
    return None if estimate is None else estimate.text()
