"""One xarray data set: what cells have come to by `cell`, curves by `cell` and `evaluation`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from regimax.export._rows import Results, unit

FILE = "run.nc"


def dataset(results: Results) -> Any:
    """Returns the results of a run as an `xarray.Dataset`.

    Args:
      results: of :func:`regimax.export.results`.

    Returns:
      coordinates by `cell`: its regime, setting, seeds and axes. Variables by `cell`: the columns of the table of
      cells. Variables `curve_*` by `cell` and `evaluation`, and `probe_*` by `cell` and `measurement`: what was
      measured and the effort until then, not a number (an empty text, as phase) beyond a cell's last one. Attributes
      tell the sweep, and units.
    """
    cells, labels = results.cells, results.labels
    coordinates = {name: ("cell", _values(cells[name]), _unit(name)) for name in labels}
    variables: dict[str, Any] = {
        name: ("cell", _values(cells[name]), _unit(name)) for name in cells.columns if name not in labels
    }
    for kind, rows, dimension in (
        ("curve", results.curves, "evaluation"),
        ("probe", results.probes, "measurement"),
    ):
        if not len(rows):
            continue
        order = {name: i for i, name in enumerate(cells["cell"])}
        at = np.asarray([order[name] for name in rows["cell"]])
        place = rows.select(pl.int_range(pl.len()).over("cell")).to_series().to_numpy()
        for name in rows.columns:
            if name in labels:
                continue
            values = _values(rows[name])
            empty = "" if values.dtype == object else np.nan
            padded = np.full((len(cells), place.max() + 1), empty, object if empty == "" else np.float64)
            padded[at, place] = values
            variables[f"{kind}_{name}"] = (("cell", dimension), padded, _unit(name))
    facts = results.facts
    told = {name: facts["resolved"][name] for name in ("threshold", "consecutive")}
    told |= {name: str(facts[name]) for name in ("question", "command", "started", "device") if facts.get(name)}
    told |= {"axes": json.dumps(facts["axes"]), "versions": json.dumps(facts["versions"])}
    return import_module("xarray").Dataset(variables, coordinates, {"title": results.name, **told})


def write(results: Results, folder: Path) -> None:
    """Writes the data set into a folder, as netCDF 4."""
    whole = dataset(results)
    packed = {name: {"zlib": True} for name, values in whole.items() if values.ndim > 1 and values.dtype != object}
    whole.to_netcdf(folder / FILE, engine="h5netcdf", encoding=packed)


def _values(column: pl.Series) -> np.ndarray:
    """Numbers as they are, with NaN for what is not known, texts as objects."""
    if column.dtype.is_numeric():
        return (column.cast(pl.Float64).fill_null(np.nan) if column.null_count() else column).to_numpy()
    if column.dtype == pl.Boolean:
        return column.fill_null(False).to_numpy()
    texts: Sequence[Any] = column.cast(pl.String).fill_null("").to_list()
    return np.asarray(texts, object)


def _unit(name: str) -> dict[str, str]:
    found = unit(name)
    return {} if found is None else {"units": found}
