"""Lanes: the slots through which all stages of one program flow, a block at a time.

A block is a stacked tree with leaves `[B, ...]` on one device, and one compiled program advances it a tick: a vmap
over its lanes. What a lane computes depends on the block's size, and on nothing else: not on the number of blocks, on
its place, on its neighbours or on the number of devices. For that every device runs an executable of its own: one that
is partitioned over devices goes through other passes of the compiler, and rounds differently from one that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax import prng
from regimax.backend import loops_wait
from regimax.ops.loop_calls import inline_loop_calls
from regimax.ops.trees import select
from regimax.prng import Keys
from regimax.regimes.program import DONE, RUNNING, LaneState, Program
from regimax.regimes.traces import trace_of_probes, traces
from regimax.sweep.executables import Executables, Function, Workers
from regimax.sweep.optimization import of_long_run
from regimax.sweep.optimization import options as optimization_options
from regimax.types import Array, Metrics, Params, PyTree

AHEAD = 2
"""Ticks that are dispatched to a device and not yet read: while the host reads one, the device runs the other."""

State = list[np.ndarray]
"""The leaves of one lane's state on the host, or of several side by side, in the order of the tree."""


class Lanes(NamedTuple):
    """What is in the slots of a block.

    Attributes:
      keys: key data of the cells, uint32 leaves `[B, 2]`.
      hparams: settings by sweep name, `[B]`.
      end: `[B]` int32, update at which the stage ends.
      state: the learners, leaves `[B, ...]`.
    """

    keys: Keys
    hparams: dict[str, Array]
    end: Array
    state: LaneState


class Report(NamedTuple):
    """What the host reads of one tick of a block, or of one measurement by its probes.

    Attributes:
      flags: `[2, B]` int32, the status and the update of every lane.
      metrics: `[M, B]` float32, in the order of the engine's `metrics` or `measures`.
    """

    flags: Array
    metrics: Array

    def is_ready(self) -> bool:
        """Returns whether it is done."""
        return self.flags.is_ready()  # type: ignore[attr-defined] - not in chex's type


class Memory(NamedTuple):
    """Device memory of one block, as the compiler reports it.

    Attributes:
      resident: what stays between ticks, bytes.
      temporary: what a tick needs besides, bytes.
    """

    resident: int
    temporary: int


class Engine:
    """The compiled functions of one program.

    Attributes:
      program: the phase.
      block: B.
      devices: what the blocks are spread over.
      functions: what is compiled, by name.
      options: the compiler's for each of them.
      executables: the functions, as they are compiled.

    Args:
      program: the phase.
      block: B.
      devices: what the blocks are spread over; all local devices when not given.
      compiling: entered while a function is waited for that is traced and compiled, or loaded.
      optimization: what the compiler is asked for, see `regimax.sweep.optimization`; as of a long run when None.
      workers: threads that compile; those of the process when not given.
    """

    def __init__(
        self,
        program: Program,
        block: int,
        devices: Sequence[Any] | None = None,
        compiling: Callable[[], AbstractContextManager[None]] = nullcontext,
        optimization: str | None = None,
        workers: Workers | None = None,
    ):
        self.program, self.block = program, block
        self.devices = list(devices or jax.local_devices())
        with compiling():
            self._traces = traces(program)
            self._probes = trace_of_probes(program) if program.probes else None
        platform = self.devices[0].platform
        self._loops_wait, self._optimization = loops_wait(platform), optimization or of_long_run(platform)
        self._nothing: dict[int, Params] = {}
        self.functions = self._functions()
        self.options = {name: optimization_options(self._optimization, name, platform) for name in self.functions}
        self.executables = Executables(
            program.phase.name, self.functions, self.devices, self.options, compiling, workers
        )

    def _functions(self) -> dict[str, Function]:
        lanes, slots, seeds = self.shapes, _shapes(self._slots()), lambda: (_shapes(self._seeds()),)
        functions = {
            "init": Function(self._init, self._of_init),
            "probe": Function(self._probe, lambda: (lanes(),)),
            "place": Function(self._place, lambda: (lanes(), lanes(), slots), donate=(0,)),
            "extend": Function(self._extend, lambda: (lanes(), slots, _shapes(self._flags())), donate=(0,)),
            "restore": Function(self._restore, lambda: (*seeds(), lanes().hparams, slots, lanes().state)),
            "take": Function(self._take, lambda: (lanes(), slots)),
        }
        # With a number of updates that is not known when compiled the first evaluation and the tick are one program.
        if not self._loops_wait:
            number = jax.ShapeDtypeStruct((), jnp.int32)
            advance = inline_loop_calls(self._advance)
            return functions | {"advance": Function(advance, lambda: (lanes(), number), donate=(0,))}
        every = self.program.phase.evaluate.every
        advance, evaluate = (lambda x, n=n: self._advance(x, n) for n in (every, 0))
        return functions | {
            "advance": Function(advance, lambda: (lanes(),), donate=(0,)),
            "evaluate": Function(evaluate, lambda: (lanes(),), donate=(0,)),
        }

    # What is compiled.

    def _advance(self, lanes: Lanes, updates: Array | int) -> tuple[Lanes, Report]:
        tick = self.program.tick if self._loops_wait else self._traces.tick  # a trace's number of updates is not known

        def one(lane: Lanes, updates: Array | int) -> tuple[Lanes, Report]:
            state, learning, evaluation = tick(_typed(lane.keys), lane.hparams, lane.end, lane.state, updates)
            return lane._replace(state=state), _report(state, learning | evaluation)

        return jax.vmap(one, in_axes=(0, None), out_axes=(0, -1))(lanes, updates)

    def _probe(self, lanes: Lanes) -> Report:
        assert self._probes is not None, "the program has no probes"
        probes = self._probes

        def one(lane: Lanes) -> Report:
            return _report(lane.state, probes(_typed(lane.keys), lane.hparams, lane.state))

        return jax.vmap(one, out_axes=-1)(lanes)

    def _init(
        self, seeds: Array, hparams: dict[str, Array], end: Array, given: Params, taken: dict[str, Array]
    ) -> Lanes:
        """Where `taken` says so a part is the given one, else it is fresh: one program for every parent."""
        keys = self._keys(seeds)

        def one(keys: Keys, hparams: dict[str, Array], given: Params, taken: dict[str, Array]) -> LaneState:
            typed = _typed(keys)
            fresh = self._traces.fresh(typed)
            params = {name: select(taken[name], given[name], part) for name, part in fresh.items()}
            return self._traces.init(typed, hparams, params)

        return Lanes(keys, hparams, end, jax.vmap(one)(keys, hparams, given, taken))

    def _keys(self, seeds: Array) -> Keys:
        """Key data of the cells with these world seeds and learner seeds, `[B, 2]`."""
        return jax.tree.map(jax.random.key_data, prng.cell_keys(seeds[:, 1], seeds[:, 0]))

    def _place(self, lanes: Lanes, new: Lanes, rows: Array) -> Lanes:
        """Copies into every slot the row of a block that `rows`, `[B]`, names; a slot with a negative one stays."""
        return _replaced(lanes, new, rows)

    def _extend(self, lanes: Lanes, end: Array, go: Array) -> Lanes:
        """Lets the lanes of `go` run on to a new `end`, both `[B]`."""
        state = lanes.state._replace(status=jnp.where(go, RUNNING, lanes.state.status))
        return lanes._replace(end=jnp.where(go, end, lanes.end), state=state)

    def _restore(self, seeds: Array, hparams: dict[str, Array], end: Array, state: LaneState) -> Lanes:
        return Lanes(self._keys(seeds), hparams, end, state._replace(status=jnp.full_like(state.status, RUNNING)))

    def _take(self, lanes: Lanes, rows: Array) -> Lanes:
        """A block with the row of another one in every slot that `rows`, `[B]`, names; nothing runs in the others."""
        new = jax.vmap(lambda row: _row(lanes, row))(rows)
        return new._replace(state=new.state._replace(status=jnp.where(rows >= 0, new.state.status, DONE)))

    def _inherit(self, given: Params, parts: Params, rows: Array) -> Params:
        """Copies into every lane the row of another block's parts that `rows`, `[B]`, names, unless it is negative."""
        return _replaced(given, parts, rows)

    # What the host knows before anything runs.

    @property
    def abstract_hparams(self) -> dict[str, Any]:
        """The shapes of one lane's settings."""
        return self._traces.init.args[1]

    @property
    def abstract_state(self) -> LaneState:
        """The shapes of one lane's state."""
        return self._traces.init.out

    def bytes_per_lane(self) -> int:
        """Returns the size of one lane's state, bytes."""
        return bytes_per_lane(self.program)

    def memory(self) -> Memory:
        """Compiles the tick for the first device and returns what a block needs of its memory."""
        return memory_of(self.executables.get("advance"))

    # What the host calls. `device` is an index into `devices`.

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of a report."""
        _, learning, evaluation = self._traces.tick.out
        return tuple(sorted(learning | evaluation))

    @property
    def evaluated(self) -> tuple[str, ...]:
        """Those of them that an evaluation alone has."""
        return tuple(sorted(self._traces.tick.out[2]))

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what the probes report."""
        return tuple(sorted(self._probes.out)) if self._probes else ()

    def nothing(self, device: int) -> Params:
        """Returns parameters `[B, ...]` of which none is inherited; they are made once for a device, and stay."""
        if device not in self._nothing:
            params = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), self.shapes().state.learner.params)
            self._nothing[device] = jax.device_put(params, self.devices[device])
        return self._nothing[device]

    def shapes(self) -> Lanes:
        """Returns the shapes of a block, which may be larger than the host's memory."""

        def of_block(x: Any) -> Any:
            return jax.ShapeDtypeStruct((self.block, *x.shape), x.dtype)

        seeds, number = _shapes(self._seeds()), _shapes(self._slots())
        state = jax.tree.map(of_block, self.abstract_state)._replace(status=number)
        return Lanes(Keys(seeds, seeds), jax.tree.map(of_block, self.abstract_hparams), number, state)

    def _seeds(self) -> np.ndarray:
        return np.zeros((self.block, 2), np.uint32)

    def _slots(self) -> np.ndarray:
        return np.zeros(self.block, np.int32)

    def _flags(self) -> np.ndarray:
        return np.zeros(self.block, bool)

    def _of_init(self) -> tuple[Any, ...]:
        """Shapes of the arguments of `init`."""
        lanes = self.shapes()
        params = lanes.state.learner.params
        return _shapes(self._seeds()), lanes.hparams, lanes.end, params, dict.fromkeys(params, _shapes(self._flags()))

    def prepare(self, *names: str, devices: int = 1) -> None:
        """Begins to compile functions for the first so many devices, in threads of their own."""
        for name in names:
            self.executables.prepare(name, range(devices))

    def advance(self, device: int, lanes: Lanes) -> tuple[Lanes, Report]:
        """Dispatches one tick of a block. The lanes given are gone afterwards."""
        every = () if self._loops_wait else (np.int32(self.program.phase.evaluate.every),)
        return self.executables("advance", device, lanes, *every)

    def evaluate(self, device: int, lanes: Lanes) -> tuple[Lanes, Report]:
        """Dispatches the evaluation of a block before its first update. The lanes given are gone afterwards."""
        if self._loops_wait:
            return self.executables("evaluate", device, lanes)
        return self.executables("advance", device, lanes, np.int32(0))

    def probe(self, device: int, lanes: Lanes) -> Report:
        """Dispatches the program's probes on a block as it is now. The lanes given stay."""
        return self.executables("probe", device, lanes)

    # Host arrays go straight to the executable: to place a tree on a device first costs more than to run on it.

    def init(
        self,
        device: int,
        seeds: np.ndarray,
        hparams: PyTree,
        end: np.ndarray,
        given: Params | None = None,
        taken: PyTree | None = None,
    ) -> Lanes:
        """Begins a block of stages.

        Args:
          device: index of its device.
          seeds: `[B, 2]` uint32, world seeds and learner seeds.
          hparams: settings by sweep name, `[B]`.
          end: `[B]` int32.
          given: parameters of the phases before, leaves `[B, ...]`; all parts are fresh where there are none.
          taken: by part, `[B]` bool: whether the given one is taken, or a fresh one.

        Returns:
          the lanes, before their first update and not yet evaluated.
        """
        if given is None:
            given = self.nothing(device)
            taken = {part: self._flags() for part in given}
        return self.executables("init", device, seeds, hparams, end, given, taken)

    def inherit(self, device: int, given: Params, parts: Params, rows: np.ndarray) -> Params:
        """Returns parameters for `init` with some parts taken from another block, on its device.

        Args:
          device: index of the device.
          given: parameters `[B, ...]`; they stay.
          parts: of another block's parameters, leaves `[b, ...]`, on a device or on the host.
          rows: `[B]`, the row that each lane takes; a lane with a negative one keeps what it has.
        """
        first = jax.tree.leaves(parts)[0]
        if isinstance(first, jax.Array) and first.devices() != {self.devices[device]}:
            parts = jax.device_put(parts, self.devices[device])
        others = first.shape[0]
        name = f"inherit {', '.join(parts)} of {others}"
        mine = {part: given[part] for part in parts}
        if name not in self.functions:
            shapes, platform = _shapes((mine, parts, self._slots())), self.devices[device].platform
            self.functions[name] = Function(self._inherit, lambda: shapes)
            options = optimization_options(self._optimization, "inherit", platform)
            self.executables.add(name, self.functions[name], options)
        return given | self.executables(name, device, mine, parts, np.asarray(rows, np.int32))

    def restore(self, device: int, seeds: np.ndarray, hparams: PyTree, end: np.ndarray, states: State) -> Lanes:
        """Returns a block that goes on from host states, leaves `[B, ...]`, running."""
        state: LaneState = jax.tree.unflatten(jax.tree.structure(self.abstract_state), states)
        return self.executables("restore", device, seeds, hparams, end, state)

    def place(self, device: int, lanes: Lanes | None, new: Lanes, rows: np.ndarray, slots: np.ndarray) -> Lanes:
        """Copies `rows` of the block `new` into `slots` of `lanes`; of an empty block where that is None.

        The lanes given are gone afterwards, the new ones stay.
        """
        row = self._slots() - 1
        row[slots] = rows
        if new.end.devices() != {self.devices[device]}:  # type: ignore[attr-defined] - not in chex's type
            new = jax.device_put(new, self.devices[device])
        if lanes is None:
            return self.executables("take", device, new, row)
        return self.executables("place", device, lanes, new, row)

    def extend(self, device: int, lanes: Lanes, slots: np.ndarray, ends: np.ndarray) -> Lanes:
        """Lets lanes that came to their end run on, each to a new end. The lanes given are gone afterwards."""
        end, go = self._slots(), self._flags()
        end[slots], go[slots] = ends, True
        return self.executables("extend", device, lanes, end, go)


def memory_of(tick: jax.stages.Compiled) -> Memory:
    """Returns the memory of one block, as it was planned for its compiled tick."""
    analysis = tick.memory_analysis()
    assert analysis is not None, "this backend tells nothing of its memory"
    new = analysis.output_size_in_bytes - analysis.alias_size_in_bytes  # what is not written over the lanes given
    return Memory(analysis.argument_size_in_bytes, analysis.temp_size_in_bytes + new)


def bytes_per_lane(program: Program) -> int:
    """Returns the size of one lane's state, bytes."""
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(traces(program).init.out))


def _shapes(tree: PyTree) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


def _replaced(old: PyTree, new: PyTree, rows: Array) -> Any:
    """Leaves `[B, ...]`: of `new` the row that `rows`, `[B]`, names, of `old` one's own where that is negative."""
    return jax.vmap(lambda mine, row: select(row >= 0, _row(new, row), mine))(old, rows)


def _row(block: PyTree, row: Array) -> Any:
    """One row of leaves `[B, ...]`; the first where the number is negative."""
    one = partial(jax.lax.dynamic_index_in_dim, index=row, keepdims=False, allow_negative_indices=False)
    return jax.tree.map(one, block)


def _report(state: LaneState, metrics: Metrics) -> Report:
    """What the host reads of one lane."""
    values = jnp.stack([metrics[name].astype(jnp.float32) for name in sorted(metrics)])
    return Report(jnp.stack([state.status, state.update]), values)


def _typed(keys: Keys) -> Keys:
    return jax.tree.map(lambda data: jax.random.wrap_key_data(data, impl=prng.IMPLEMENTATION), keys)
