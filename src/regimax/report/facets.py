"""Which regimes stand in one panel: also those that know nothing of a setting that others have an axis for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl


def panel_settings(table: pl.DataFrame, axes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Returns what each panel shows, one panel per setting, in order of first appearance.

    A regime without an axis that others have (see :func:`regimax.only`) was run once, whatever its values: it stands in
    the panel of every one of them, and has no panel of its own unless nobody else was run at its settings.

    Args:
      table: one row per cell, with `regime`, `setting` and the axes, null where a regime has none.
      axes: names of columns.

    Returns:
      by the label of the panel's setting: by regime, the label of the setting of its cells that stand there.
    """
    axes = [axis for axis in axes if axis in table.columns]
    groups = table.select("regime", "setting", *axes).unique(["regime", "setting"], keep="first", maintain_order=True)
    at: dict[str, tuple[Any, ...]] = {}
    of: dict[str, dict[str, str]] = {}
    for regime, setting, *values in groups.rows():
        at[setting] = tuple(values)
        of.setdefault(setting, {})[regime] = setting
    partial = [setting for setting, values in at.items() if None in values]
    held: set[str] = set()
    found = {setting: dict(members) for setting, members in of.items()}
    for setting in partial:
        for other, values in at.items():
            if other != setting and all(b is None or a == b for a, b in zip(values, at[setting], strict=True)):
                held.add(setting)
                for regime in of[setting]:
                    found[other].setdefault(regime, setting)
    return {setting: members for setting, members in found.items() if setting not in held}


def together(frame: pl.DataFrame, members: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    """Returns the rows of every panel under its setting: those of who has no such axis once for each of its values.

    Args:
      frame: with `regime` and `setting`.
      members: as of :func:`panel_settings`.
    """
    rows = [(panel, regime, own) for panel, of in members.items() for regime, own in of.items()]
    panels = pl.DataFrame(rows, schema=["_panel", "regime", "setting"], orient="row")
    return (
        panels.join(frame, on=["regime", "setting"], maintain_order="left_right")
        .with_columns(setting="_panel")
        .select(frame.columns)
    )
