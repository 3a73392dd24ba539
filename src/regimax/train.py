"""One cell as one pure function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.backend import loops_wait
from regimax.errors import UserError
from regimax.frames import with_room
from regimax.ops.loop_calls import inline_loop_calls
from regimax.precision import single
from regimax.prng import Keys
from regimax.probes import split_flops
from regimax.regimes import BoundRegime, Regime, bind_regime
from regimax.regimes.program import DIVERGED, Program, abstract_state, as_hparams, inherited
from regimax.types import Array, HParams, Metrics, Params, traced_settings


class Result(NamedTuple):
    """What became of a cell.

    Attributes:
      curves: of each phase, by name: ``update`` and what is evaluated `[1 + ticks]`, first before any update; metrics
        of learning `[ticks]`, means over the updates that led to each further evaluation. Where a phase stops early,
        solved or diverged, its last row that counts is repeated to the end: the last row is always that of the
        parameters that are returned. Where no update counts, metrics of learning are 0.
      effort: per phase: ``updates``, ``env_steps`` (own), ``passive_steps`` (others' steps) and ``flops`` (as executed,
        padding included). What a diverging tick did is thrown away and not counted.
      params: final parameters of each phase; of one that diverged those before the tick in which it did.
      status: `[]` int32 of each phase, an index into `regimax.regimes.program.STATUS`. After a phase that diverged no
        other runs: it counts as diverged, without any effort.
    """

    curves: dict[str, Metrics]
    effort: dict[str, Metrics]
    params: dict[str, Params]
    status: dict[str, Array]


def update_flops(program: Program) -> float:
    """Counts the FLOPs of one update of a bound phase with its share of interludes, evaluations not included."""
    return math.fsum(split_update_flops(program).values())


@single
def split_update_flops(program: Program) -> dict[str, float]:
    """Counts the same by what it is spent on, see :func:`regimax.probes.split_flops`."""
    learner, keys = program.learner, prng.abstract_keys()
    state, local = abstract_state(program)
    between = learner.interlude
    found = split_flops(learner.update, keys.learner, state, local)
    if between is None:
        return found
    rare = split_flops(between.run, keys.learner, state, local)
    return {kind: flops + rare[kind] / between.every for kind, flops in found.items()}


@dataclass(frozen=True, eq=False)  # hashed by identity, as `jax.jit` needs it
class Train:
    """A regime in a world as a function `(keys, hparams) -> Result` that can be jitted and vmapped.

    Attributes:
      bound: the regime bound to its world.
    """

    bound: BoundRegime

    @cached_property
    @single
    def default_hparams(self) -> dict[str, Array]:
        """Every setting at its default, traced scalars by sweep name."""
        values = {name: setting.default for name, setting in self.bound.settings.items()}
        return as_hparams(self.bound.settings, values)

    @with_room
    @single
    def __call__(self, keys: Keys, hparams: HParams | None = None) -> Result:
        """Trains one cell.

        Args:
          keys: its two keys, one element of `cell_keys`.
          hparams: its settings, by the names of `default_hparams`; those that are not named are at their defaults.

        Returns:
          curves, effort, final parameters and status.

        Raises:
          UserError: for a name that no phase reads, several numbers where one is needed, a fraction where whole numbers
            are, or a number that is out of range, as far as that is known before anything runs; and within a
            `jax.shard_map` that checks what varies over its mesh.
        """
        _check_unmapped(keys)
        hparams = self._checked({} if hparams is None else hparams)
        curves, effort, params, status = {}, {}, {}, {}
        taken: Params = {}
        before: Array | None = None  # how the phase before ended
        for program in self.bound.programs:
            phase = program.phase
            own = {name: hparams[name] for name in program.settings}
            state = program.init(keys, own, inherited(phase, taken) if phase.inherit else {})
            if before is not None:
                state = state._replace(status=jnp.where(before == DIVERGED, DIVERGED, state.status))
            end, every = jnp.asarray(phase.updates, jnp.int32), phase.evaluate.every
            tick = program.tick if loops_wait() else inline_loop_calls(program.tick)

            def step(state: Any, updates: Array | int, tick=tick, own=own, end=end) -> Any:
                new, learning, evaluation = tick(keys, own, end, state, updates)
                return new, (learning, evaluation | {"update": new.update}, new.update > state.update)

            ticks = [every] * (phase.updates // every)
            # The first row is the evaluation before the first update: one program with the ticks, where it can be.
            if loops_wait():
                state, first = step(state, 0)
                state, rows = jax.lax.scan(lambda s, _, n=every: step(s, n), state, None, len(ticks))
                rows = jax.tree.map(lambda row, rest: jnp.concatenate([row[None], rest]), first, rows)
            else:
                state, rows = jax.lax.scan(step, state, jnp.asarray([0, *ticks], jnp.int32))
            curves[phase.name] = _that_count(*rows)
            taken = params[phase.name] = state.learner.params
            status[phase.name] = before = state.status
            effort[phase.name] = _effort(program, state.update)
        return Result(curves, effort, params, status)

    def _checked(self, given: HParams) -> dict[str, Array]:
        """Every setting as it is traced: those that are given, and the others at their defaults."""
        if not isinstance(given, Mapping):
            raise UserError(f"hparams = {given!r} is not a mapping from names of settings, see default_hparams")
        values = traced_settings(self.bound.settings.values(), given)
        # What is known already must not be folded into the program, or it would round otherwise than a sweep's.
        return jax.lax.optimization_barrier(values)


def _check_unmapped(keys: Keys) -> None:
    """Refuses a `shard_map` that checks types: a loop there must begin from what varies, and these begin from zeros."""
    for key in keys:
        kind = jax.typeof(key)
        if getattr(getattr(kind, "mat", None), "varying", None) or getattr(kind, "vma", None):
            raise UserError("train: within jax.shard_map its check of what varies must be off: give it check_vma=False")


def _that_count(learning: Metrics, evaluation: Metrics, counts: Array) -> Metrics:
    """Curves in which a row that does not count repeats the last that does.

    Args:
      learning: `[1 + ticks]` each; the first entry is of no update, and left out.
      evaluation: `[1 + ticks]` each.
      counts: `[1 + ticks]`, whether updates led to the row and were kept; the first row stands until then.
    """
    last = jax.lax.cummax(jnp.where(counts, jnp.arange(counts.shape[0]), 0))
    return {name: row[last][1:] for name, row in learning.items()} | {
        name: row[last] for name, row in evaluation.items()
    }


def _effort(program: Program, updates: Array) -> Metrics:
    own, others = program.learner.source.steps
    updates = updates.astype(jnp.float32)
    return {
        "updates": updates,
        "env_steps": updates * own,
        "passive_steps": updates * others,
        "flops": updates * update_flops(program),
    }


def make_train(regime: Regime, world: Any) -> Train:
    """Makes the function that trains one cell of a regime in a world.

    It is what a sweep runs: with the keys of `cell_keys` and the same settings it gives, cell by cell, what a sweep
    with ``optimization="full"`` gives. A regime's probes are not run: within one program they could touch the curves.

    Args:
      regime: from `regimax.regimes`, or your own.
      world: from `regimax.envs`, or your own.

    Returns:
      `train(keys, hparams) -> Result`, with the attribute `default_hparams`; `train(keys)` takes those.

    Raises:
      UserError: if regime and world do not fit.

    Example:
      >>> import jax, regimax as rx
      >>> regime = rx.regimes.pure_rl(updates=2, evaluate=rx.regimes.Evaluate(every=1, episodes=4))
      >>> train = make_train(regime, rx.envs.Cipher(symbols=3, skills=2, length=2))
      >>> result = jax.jit(jax.vmap(train, in_axes=(0, None)))(rx.cell_keys(seeds=4), train.default_hparams)
      >>> result.curves["rl"]["success"].shape
      (4, 3)
    """
    return Train(bind_regime(regime, world))
