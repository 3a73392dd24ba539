"""Lanes: one pool of slots through which all stages of one program flow.

Every device holds a stacked tree with leaves `[N, B, ...]`: N blocks of B lanes each. One program advances it a tick:
a map over the blocks of a vmap over the lanes of a block. What a lane computes depends on the block's size, and on
nothing else: not on N, on its place, on its neighbours or on the number of devices. For that every device runs an
executable of its own: one that is partitioned over devices goes through other passes of the compiler, and rounds
differently from one that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from regimax import prng
from regimax.learners.base import fresh_params
from regimax.prng import Keys
from regimax.regimes.program import DONE, LaneState, Program
from regimax.train import as_hparams
from regimax.types import Array, Metrics, Params, PyTree


class Lanes(NamedTuple):
    """What is in the slots.

    Attributes:
      keys: key data of the cells, uint32 leaves `[..., 2]`.
      hparams: settings by sweep name, `[...]`.
      end: `[...]` int32, update at which the stage ends.
      state: the learners.
    """

    keys: Keys
    hparams: dict[str, Array]
    end: Array
    state: LaneState


class Report(NamedTuple):
    """What the host reads of one tick, leaves `[N, B]` on each device."""

    status: Array
    update: Array
    metrics: Metrics


def seeds_to_keys(world_seeds: Sequence[int], seeds: Sequence[int]) -> Keys:
    """Returns key data `[n, 2]` of cells with these seeds, on the host."""
    keys = prng.cell_keys(list(seeds), list(world_seeds))
    return jax.tree.map(lambda k: np.asarray(jax.random.key_data(k)), keys)


def _typed(keys: Keys) -> Keys:
    return jax.tree.map(lambda data: jax.random.wrap_key_data(data, impl=prng.IMPLEMENTATION), keys)


class Engine:
    """The compiled functions of one program, on all local devices.

    Attributes:
      program: the phase.
      block: B.
      devices: what the lanes are sharded over.
      traces: how often each function was traced, by name; never more than once each for one pool.
    """

    def __init__(self, program: Program, block: int, devices: Sequence[Any] | None = None):
        self.program, self.block = program, block
        self.devices = list(devices or jax.local_devices())
        self.traces: dict[str, int] = {}
        self._advance_jit = jax.jit(self._traced("advance", self._advance), donate_argnums=0)
        self._begin_jit = jax.jit(self._traced("begin", jax.vmap(self._begin)))
        self._place_jit = jax.jit(self._traced("place", self._place), donate_argnums=0)
        self._take_jit = jax.jit(self._traced("take", self._take))

    def _traced(self, name: str, function: Any) -> Any:
        def counted(*args: Any) -> Any:
            self.traces[name] = self.traces.get(name, 0) + 1
            return function(*args)

        counted.__name__ = name
        return counted

    # What is compiled.

    def _advance(self, lanes: Lanes) -> tuple[Lanes, Report]:
        def one(lane: Lanes) -> tuple[Lanes, Report]:
            state, metrics = self.program.tick(_typed(lane.keys), lane.hparams, lane.end, lane.state)
            return lane._replace(state=state), Report(state.status, state.update, metrics)

        return jax.lax.map(jax.vmap(one), lanes)

    def _begin(self, keys: Keys, hparams: dict[str, Array], given: Params, taken: dict[str, Array]) -> Any:
        """One lane; where `taken` says so a part is the given one, else it is fresh. One program for every parent."""
        typed = _typed(keys)
        fresh = fresh_params(self.program.learner.network, typed)
        params = {
            name: jax.tree.map(lambda a, b, name=name: jnp.where(taken[name], a, b), given[name], part)
            for name, part in fresh.items()
        }
        return self.program.begin(typed, hparams, params)

    def _place(self, lanes: Lanes, index: Array, new: Lanes) -> Lanes:
        """Puts a block of lanes into the slots `index` `[B]`; one out of range is dropped."""

        def put(old: Array, block: Array) -> Array:
            flat = old.reshape(old.shape[0] * old.shape[1], *old.shape[2:])
            return flat.at[index].set(block, mode="drop").reshape(old.shape)

        return jax.tree.map(put, lanes, new)

    def _take(self, state: LaneState, index: Array) -> LaneState:
        """Returns the states in the slots `index` `[B]`."""
        return jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])[index], state)

    # What the host calls.

    def abstract_state(self) -> LaneState:
        """Returns the shapes of one lane's state."""
        keys = jax.eval_shape(lambda: jax.tree.map(lambda k: k[0], prng.cell_keys(1)))
        hparams = jax.eval_shape(lambda: as_hparams(self.program.settings, self.program.defaults()))
        state, _ = jax.eval_shape(lambda k, h: self.program.begin(k, h, {}), keys, hparams)
        return state

    def bytes_per_lane(self) -> int:
        """Returns the size of one lane's state, bytes."""
        return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(self.abstract_state()))

    def empty(self, num_blocks: int) -> list[Lanes]:
        """Returns lanes in which nothing runs, `num_blocks` in all, on every device an equal part."""
        shape = (num_blocks // len(self.devices), self.block)

        def zeros(x: Any) -> np.ndarray:
            return np.zeros((*shape, *x.shape), x.dtype)

        state = jax.tree.map(zeros, self.abstract_state())
        hparams = jax.tree.map(
            zeros, jax.eval_shape(lambda: as_hparams(self.program.settings, self.program.defaults()))
        )
        key: Any = np.zeros((*shape, 2), np.uint32)
        end: Any = np.zeros(shape, np.int32)
        idle: Any = np.full(shape, DONE, np.int32)
        lanes = Lanes(Keys(key, key), hparams, end, state._replace(status=idle))
        return [jax.device_put(lanes, device) for device in self.devices]

    def begin(self, keys: Keys, hparams: PyTree, given: Params, taken: PyTree) -> tuple[LaneState, Metrics]:
        """Begins a block of stages; all leaves `[B, ...]`. Returns their states and opening metrics."""
        return self._begin_jit(*jax.device_put((keys, hparams, given, taken), self.devices[0]))

    def place(self, lanes: list[Lanes], slots: Sequence[int], new: Lanes) -> list[Lanes]:
        """Puts the first lanes of a block into slots, one each. The lanes given are gone afterwards."""
        local = self._local(lanes, slots)
        placed = list(lanes)
        for device, (part, found) in enumerate(zip(lanes, local, strict=True)):
            if (found >= 0).any():
                index = np.full(self.block, self._size(part), np.int32)  # out of range: dropped
                index[: len(found)] = np.where(found >= 0, found, index[: len(found)])
                placed[device] = self._place_jit(part, *jax.device_put((index, new), self.devices[device]))
        return placed

    def take(self, lanes: list[Lanes], slots: Sequence[int]) -> list[LaneState]:
        """Returns host copies of the states in these slots."""
        states: dict[int, LaneState] = {}
        for device, found in enumerate(self._local(lanes, slots)):
            mine = np.flatnonzero(found >= 0)
            for start in range(0, len(mine), self.block):
                some = mine[start : start + self.block]
                index = np.zeros(self.block, np.int32)
                index[: len(some)] = found[some]
                block = jax.device_get(self._take_jit(lanes[device].state, jax.device_put(index, self.devices[device])))
                for i, slot in enumerate(some):
                    states[int(slot)] = jax.tree.map(lambda x, i=i: np.array(x[i]), block)
        return [states[i] for i in range(len(slots))]

    def advance(self, lanes: list[Lanes]) -> tuple[list[Lanes], list[Report]]:
        """Dispatches one tick on every device. The lanes given are gone afterwards."""
        advanced = [self._advance_jit(part) for part in lanes]
        return [part for part, _ in advanced], [report for _, report in advanced]

    def fetch(self, parts: Sequence[PyTree]) -> PyTree:
        """Waits for what lies on the devices and returns one host tree, leaves `[N, B, ...]` over all devices."""
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *jax.device_get(list(parts)))

    def _size(self, part: Lanes) -> int:
        """Number of slots of one device."""
        return part.end.shape[0] * self.block

    def _local(self, lanes: list[Lanes], slots: Sequence[int]) -> list[np.ndarray]:
        """For every device the place of each slot on it, −1 for slots of other devices."""
        size, slot = self._size(lanes[0]), np.asarray(slots, np.int32)
        return [np.where(slot // size == device, slot % size, -1) for device in range(len(self.devices))]
