"""How a sweep is begun on a cluster: scripts and descriptions for SLURM and Kubernetes, to be copied and filled in."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".sbatch", ".yaml")


def files() -> dict[str, Path]:
    """Returns them by name, in the order of their names."""
    return {path.stem: path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in SUFFIXES}


def about(path: Path) -> str:
    """Returns what one is for, the first line of its comment."""
    return next(line for line in path.read_text().splitlines() if line.startswith("# ")).removeprefix("# ")
