"""A run taken into Python: its tables, its spec, and any one of its learners.

Tables are only read. A learner needs the sweep, and so the Python of its file: the copy that the run keeps is executed
where it is still the file that was registered with its hash when the run began, or where you say that you trust it. The
hash tells damage and afterthoughts; against someone who means ill and made the whole directory it is no defence, so
load nothing from a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import polars as pl

from regimax.errors import UserError, unknown
from regimax.regimes.program import LaneState, as_hparams
from regimax.sweep import environment, files, optimization, rundir, share, spec, states, store, table
from regimax.sweep.disk import Damaged, check_source
from regimax.sweep.lanes import Engine
from regimax.sweep.plan import Cell, Plan, make_plan
from regimax.sweep.spec import Sweep
from regimax.types import Array, Params, PyTree

if TYPE_CHECKING:  # to a type checker only a property is what a protocol such as `statistics.Tables` asks for
    cached_property = property
else:
    from functools import cached_property


class Agent(NamedTuple):
    """A trained learner.

    Attributes:
      cell: the cell it was trained in.
      world: the world it was trained in.
      world_params: the hidden structure that its cell drew, for `world.reset` and `world.step`.
      params: its network's parameters, one subtree per part.
      carry: `num_envs -> carry`, the empty memory.
      act: `(carry, obs [E, D], first [E], u [E]) -> (carry, action [E], extras)`: `first` is 1 where an episode opens,
        `u` is uniform on [0, 1) and decides what is drawn from the policy. Where actions are numbers, u and actions are
        `[E, N]`, and beyond `world.action_range` not clipped yet. Pure; jit it.
    """

    cell: Cell
    world: Any
    world_params: PyTree
    params: Params
    carry: Callable[[int], PyTree]
    act: Callable[[PyTree, Array, Array, Array], tuple[PyTree, Array, dict[str, Array]]]


class Run:
    """What a run directory holds, as far as it is committed.

    Attributes:
      path: the run directory.
      facts: what sweep.json says: the resolved sweep, versions, device, the command that was typed.
      tried: where it is a claim's result, what the tuning tried for its arms, and chose.
    """

    tried: tuple[Any, ...] = ()

    def __init__(self, path: Path, sweep: Sweep | None, trust: bool = False, accept_versions: bool = False):
        self.path, self.facts, self._given = path, store.read_sweep(path), sweep
        self._trust, self._accept_versions = trust, accept_versions

    @cached_property
    def cells(self) -> pl.DataFrame:
        """One row per cell, as `regimax table` shows it."""
        return table.cell_table(self.path)

    @cached_property
    def curves(self) -> pl.DataFrame:
        """One row per cell and evaluation, with the effort spent until then."""
        return table.cell_curves(self.path)

    @cached_property
    def probes(self) -> pl.DataFrame:
        """One row per cell and measurement by its probes, with the effort spent until then."""
        return table.cell_probes(self.path)

    @cached_property
    def stages(self) -> pl.DataFrame:
        """One row per stage: what was planned, its cost per update, and how it ended."""
        return store.planned(self.path)[1]

    @cached_property
    def sweep(self) -> Sweep:
        """The sweep, from the copy of its file that the run keeps, with what was typed beside it."""
        if self._given is not None:
            return self._given
        if store.SOURCE not in self.facts["plan"]["files"]:
            raise UserError(f"{str(self.path)!r} keeps no sweep file: give the sweep, load_run(RUN, sweep)")
        path, registered = store.plan_file(self.path, self.facts, store.SOURCE)
        if not self._trust:
            check_source(path, registered, "load_run(RUN, trust=True)")
        begun_in = self.facts.get("folder")  # where modules lie that it may import
        sweep = files.load(path, beside=Path(begun_in) if begun_in else None)
        resolved = self.facts["resolved"]  # in the file or on the command line
        numerics = {name: resolved[name] for name in optimization.NUMERICS if name in resolved}
        return spec.override(sweep, self.facts["set"], self.facts["seeds_given"], resolved["block"], numerics)

    @cached_property
    def _plan(self) -> Plan:
        now = environment.current(jax.local_devices()[0])
        ids = rundir.programs(self.path, lambda: now, self._accept_versions)
        plan = make_plan(self.sweep, ids, rundir.links(self.path))
        if share.KEY in self.facts["resolved"]:
            plan = share.cut(plan, *self.facts["resolved"][share.KEY])
        if plan.resolved != self.facts["resolved"]:
            begun = (store.newest_manifest(self.path) or {"environments": [now]})["environments"][0]
            if other := environment.difference(begun, now):
                raise UserError(
                    f"{str(self.path)!r} was computed under another environment: {other}. Give accept_versions=True to "
                    "take its learners all the same"
                )
            raise UserError(f"the sweep is no longer what {str(self.path)!r} ran: the code that it uses has changed")
        return plan

    @cached_property
    def _finished(self) -> dict[str, dict[str, Any]]:
        manifest = store.newest_manifest(self.path)
        return {row["stage"]: row for row in store.finished_rows(self.path, manifest).iter_rows(named=True)}

    def agent(self, cell: str, phase: str | None = None) -> Agent:
        """Returns the learner of a cell.

        Args:
          cell: its name, from the column `cell`.
          phase: as it was at the end of this phase; the last one when not given.

        Raises:
          UserError: if there is no such cell or phase, it is not finished or has diverged, parameters were not kept, or
            anything that is needed is damaged, was changed, or was computed under another environment.
        """
        named = {c.id: c for c in self._plan.cells}
        if cell not in named:
            raise unknown("cell", cell, named)
        last = {self._plan.stages[s].phase: self._plan.stages[s] for s in named[cell].path}  # the last link of each
        phase = phase or list(last)[-1]
        if phase not in last:
            raise unknown(f"phase of {cell!r}:", phase, last)
        if not self._plan.sweep.keep_params:
            raise UserError(
                "this sweep does not keep parameters. Set keep_params=True in it and run it again with --extend"
            )
        row = self._finished.get(last[phase].id)
        if row is None:
            raise UserError(f"the phase {phase!r} of {cell!r} is not finished")
        if row["status"] == "diverged":
            raise UserError(f"the phase {phase!r} of {cell!r} diverged: there is no trained learner")
        program = self._plan.programs[last[phase].program]
        shapes = Engine(program, block=1).abstract_state
        ticket = states.Ticket(row["state_file"], row["state_start"], row["state_size"], row["state_digest"])
        try:
            leaves = states.read(self.path, ticket, jax.tree.leaves(shapes))
        except Damaged as error:
            raise UserError(f"{cell!r}: {error}") from error
        state: LaneState = jax.tree.unflatten(jax.tree.structure(shapes), [jnp.asarray(leaf) for leaf in leaves])
        hidden, params = state.learner.source.world, state.learner.params
        given = {**program.defaults(), **last[phase].settings}
        hparams = as_hparams(program.settings, given)
        policy = program.learner.policy(params, hidden, {program.local[name]: x for name, x in hparams.items()})
        return Agent(named[cell], program.learner.source.world, hidden, params, policy.carry, policy.act)


def load_run(run: str | Path, sweep: Sweep | None = None, *, trust: bool = False, accept_versions: bool = False) -> Run:
    """Takes a run into Python, finished or not.

    Args:
      run: the run directory.
      sweep: the sweep it ran, where it was not run from a file; only needed for `agent`. Nothing of the run directory
        is executed where it is given.
      trust: whether the copy of the sweep's file is executed even where it is not the one that the run registered.
      accept_versions: whether learners that were computed under other versions or on another device are welcome.

    Returns:
      its tables as polars frames, its spec and its learners.

    Raises:
      UserError: if `run` is not a run directory, or its sweep.json is damaged. Every table raises it too, if a file
        that it needs is damaged.
    """
    return Run(Path(run), sweep, trust, accept_versions)
