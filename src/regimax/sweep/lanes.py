"""Lanes: one pool of slots through which all stages of one program flow.

The lanes are one stacked tree with leaves `[N, B, ...]`: N blocks, sharded over the devices, of B lanes each. One
compiled program advances all of them by a tick: on every device a map over its blocks of a vmap over the lanes of a
block. What a lane computes depends on the block's size, and on nothing else: not on N, on its place, on its neighbours
or on the number of devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

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
    """What the host reads of one tick, leaves `[N, B]`."""

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
        mesh = Mesh(np.asarray(self.devices), ("lanes",))
        self._sharded = NamedSharding(mesh, PartitionSpec("lanes"))
        self._replicated = NamedSharding(mesh, PartitionSpec())
        spec = PartitionSpec("lanes")
        advance = jax.shard_map(self._advance, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
        self._advance_jit = jax.jit(self._traced("advance", advance), donate_argnums=0)
        self._begin_jit = jax.jit(self._traced("begin", jax.vmap(self._begin)))
        self._place_jit = jax.jit(self._traced("place", self._place), donate_argnums=0, out_shardings=self._sharded)
        self._take_jit = jax.jit(self._traced("take", self._take), out_shardings=self._replicated)

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

    def empty(self, num_blocks: int) -> Lanes:
        """Returns lanes in which nothing runs."""

        def make() -> Lanes:
            def zeros(x: Any) -> Array:
                return jnp.zeros((num_blocks, self.block, *x.shape), x.dtype)

            state = jax.tree.map(zeros, self.abstract_state())
            hparams = jax.tree.map(zeros, as_hparams(self.program.settings, self.program.defaults()))
            key = jnp.zeros((num_blocks, self.block, 2), jnp.uint32)
            idle = jnp.full((num_blocks, self.block), DONE, jnp.int32)
            return Lanes(Keys(key, key), hparams, idle * 0, state._replace(status=idle))

        return jax.jit(make, out_shardings=self._sharded)()

    def begin(self, keys: Keys, hparams: PyTree, given: Params, taken: PyTree) -> tuple[LaneState, Metrics]:
        """Begins a block of stages; all leaves `[B, ...]`. Returns their states and opening metrics."""
        return self._begin_jit(keys, hparams, given, taken)

    def place(self, lanes: Lanes, index: np.ndarray, new: Lanes) -> Lanes:
        """Puts a block into slots. The lanes given are gone afterwards."""
        return self._place_jit(lanes, *jax.device_put((np.asarray(index, np.int32), new), self._replicated))

    def take(self, lanes: Lanes, slots: Sequence[int]) -> list[LaneState]:
        """Returns host copies of the states in these slots."""
        found = []
        for start in range(0, len(slots), self.block):
            some = list(slots[start : start + self.block])
            index = jax.device_put(np.asarray(some + [0] * (self.block - len(some)), np.int32), self._replicated)
            states = jax.device_get(self._take_jit(lanes.state, index))
            found += [jax.tree.map(lambda x, i=i: np.array(x[i]), states) for i in range(len(some))]
        return found

    def advance(self, lanes: Lanes) -> tuple[Lanes, Report]:
        """Dispatches one tick. The lanes given are gone afterwards."""
        return self._advance_jit(lanes)
