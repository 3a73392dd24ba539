"""The stages of a plan by number, as arrays: what the engine looks at between two ticks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import polars as pl

from regimax.sweep.plan import Plan
from regimax.types import Setting

DTYPES = {True: np.int32, False: np.float32}
NONE = -1
"""The number of no stage."""


class Numbered:
    """The `N` stages of a plan, numbered in its order: parents before children.

    Attributes:
      plan: the plan.
      number: of a stage, by its id.
      start: `[N]`, update at which it begins.
      end: `[N]` int32, update at which it ends.
      seeds: `[N, 2]` uint32, its world seed and its seed.
      program: `[N]`, index of its program in the plan's order.
      parent: `[N]`, the stage that it begins from, or NONE.
      children: `[N]`, how many begin from it.
      link: `[N]`, the one of them that goes on in the same lane, or NONE.
      inherits: the sets of parts that stages take from their parents; the first is of those that take nothing.
      inherit: `[N]`, index of its own; NONE for a link.
      keep: `[N]` bool, whether its final state is kept.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        stages = list(plan.stages.values())
        number = self.number = {stage.id: i for i, stage in enumerate(stages)}
        programs = {name: i for i, name in enumerate(plan.programs)}
        self.start = np.asarray([s.start for s in stages], np.int64)
        self.end = np.asarray([s.end for s in stages], np.int32)
        self.seeds = np.asarray([(s.world_seed, s.seed) for s in stages], np.uint32).reshape(-1, 2)
        self.program = np.asarray([programs[s.program] for s in stages], np.int64)
        self.parent = np.asarray([NONE if s.parent is None else number[s.parent] for s in stages], np.int64)
        self.keep = np.asarray([s.keep for s in stages], bool)
        inherits: dict[tuple[str, ...], int] = {(): 0}
        of = [NONE if s.inherit is None else inherits.setdefault(s.inherit, len(inherits)) for s in stages]
        self.inherit, self.inherits = np.asarray(of, np.int64), list(inherits)
        child = np.flatnonzero(self.parent >= 0)
        self.children = np.bincount(self.parent[child], minlength=len(stages))
        is_link = self.inherit[child] == NONE
        self.link = np.full(len(stages), NONE)
        self.link[self.parent[child[is_link]]] = child[is_link]
        forks = child[~is_link]
        self._forks = forks[np.argsort(self.parent[forks], kind="stable")]
        self._first_fork = np.searchsorted(self.parent[self._forks], np.arange(len(stages) + 1))

    def __len__(self) -> int:
        return len(self.end)

    @cached_property
    def ids(self) -> pl.Series:
        """`[N]`, the stages' ids."""
        return pl.Series("stage", list(self.number), pl.String)

    def numbers(self, ids: Iterable[str]) -> np.ndarray:
        """Returns the numbers of stages."""
        return np.asarray([self.number[name] for name in ids], np.int64)

    def forks(self, stages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the stages that begin a phase from any of `stages`, and the position in `stages` of their parents."""
        first = self._first_fork[stages]
        counts = self._first_fork[stages + 1] - first
        of = np.repeat(np.arange(len(stages)), counts)
        within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._forks[first[of] + within], of

    @cached_property
    def _settings(self) -> tuple[np.ndarray, list[Mapping[str, float]]]:
        """For every stage an index into the settings, which many stages share."""
        known: dict[int, int] = {}
        found: list[Mapping[str, float]] = []
        which = []
        for stage in self.plan.stages.values():
            if id(stage.settings) not in known:
                known[id(stage.settings)] = len(found)
                found.append(stage.settings)
            which.append(known[id(stage.settings)])
        return np.asarray(which, np.int64), found

    def columns(self, program: str) -> dict[str, np.ndarray]:
        """Returns the settings of a program, by name, for `hparams`."""
        which, found = self._settings
        own = np.unique(which[self.program == list(self.plan.programs).index(program)])
        columns = {}
        for name, setting in self.plan.programs[program].settings.items():
            columns[name] = np.zeros(len(found), _dtype(setting))
            columns[name][own] = [found[i][name] for i in own]
        return columns

    def hparams(self, columns: Mapping[str, np.ndarray], stages: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the settings of stages of one program, by name."""
        which = self._settings[0][stages]
        return {name: column[which] for name, column in columns.items()}


def _dtype(setting: Setting) -> type[np.number]:
    return DTYPES[setting.integer]
