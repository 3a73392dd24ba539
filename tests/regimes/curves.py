"""Short curves of every regime on every world, as they were committed: who changes a number sees it in the difference.

`python -m pytest tests/regimes/test_everywhere.py -m "slow or not slow" --write-curves` writes them anew.
"""

import csv
import math
from pathlib import Path

import jax

FOLDER = Path(__file__).parent / "curves"
KEY = ("regime", "phase", "seed", "update", "metric")


def of_run(run):
    """Returns every number of a run's curves, by regime, phase, seed, update and metric."""
    about = {"cell", "regime", "setting", "seed", "world_seed", "phase", "update"}
    return {
        (row["regime"], row["phase"], str(row["seed"]), str(row["update"]), metric): value
        for row in run.curves.iter_rows(named=True)
        for metric, value in row.items()
        if metric not in about and value is not None and not math.isnan(value)  # what is not known is no number
    }


def write(world, found):
    """Writes a world's curves, four digits a number."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{world}.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow((*KEY, "value"))
        rows.writerows((*key, f"{value:.4g}") for key, value in sorted(found.items()))


def tolerance(metric):
    """Processors round differently in the last digits; JAX later than that of the curves writes functions in less."""
    return 3e-2 if metric.startswith("flops") and jax.__version_info__ >= (0, 11) else 2e-3


def differences(world, found, regimes):
    """Returns what is not as it was committed: key, then, now."""
    with (FOLDER / f"{world}.csv").open() as file:
        committed = {tuple(row[k] for k in KEY): float(row["value"]) for row in csv.DictReader(file)}
    committed = {key: value for key, value in committed.items() if key[0] in regimes}
    absent = [(key, value, None) for key, value in committed.items() if key not in found]
    added = [(key, None, value) for key, value in found.items() if key not in committed]
    changed = [
        (key, value, found[key])
        for key, value in committed.items()
        if key in found and not math.isclose(value, found[key], rel_tol=tolerance(key[-1]), abs_tol=1e-5)
    ]
    return absent + added + changed
