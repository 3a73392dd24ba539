"""Sequences of a world that lasts and drifts, and of worlds that are new each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.channels import Channel
from regimax.envs import Lifetimes
from regimax.envs.base import keeps
from regimax.errors import UserError
from regimax.factories import once
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.sources.base import Source, SourceFactory, check_streams, declared
from regimax.types import Array, HParams, PyTree, Setting, Trajectory, count


class Lifetime(NamedTuple):
    """Where a life has got to.

    Attributes:
      world: the hidden structure as it is now, in the sequence that comes next.
      shown: that of the world that the learner is shown; `world` itself except in the control.
    """

    world: PyTree
    shown: PyTree


@once
def lifetime(num_envs: int = 1, shown: float = 1.0, irrelevant: bool = False, told: bool = False) -> SourceFactory:
    """Makes a source of the sequences of one world, one after another, between which it drifts.

    Its state is the world as it has become, so a life goes on where it was however often a run is broken off.

    Args:
      num_envs: `E`, sequences per update, side by side; the world drifts once per update.
      shown: share of the sequences that show what lasts, so that it can be had from context; with 0 it can only be
        learnt.
      irrelevant: the control: the learner is shown another world, and evaluated in its own.
      told: whether each sequence ends with what was asked for and what was right, as pairs: feedback that comes through
        context, for a memory that lasts for a life.

    Returns:
      a factory `(world, channels, num_steps) -> Source`. It raises :class:`UserError` for a world without lifetimes,
      or channels of the senses.

    Raises:
      UserError: for fewer than one sequence, or a share that is not in [0, 1].

    Example:
      >>> from regimax.envs import Recall
      >>> world = Recall(stable=5, dynamic=2, queries=4)
      >>> [lifetime(shown=shown)(world, (), None).num_steps for shown in (1, 0)]
      [11, 6]
    """
    num_envs = check_streams("lifetime", num_envs)
    shown = Setting("shown", 1.0, 0, 1, "share of the sequences that show what lasts").check(shown, "lifetime: shown")

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        del num_steps  # a sequence is as long as its world makes it
        _check("lifetime", world, channels)
        pairs = world.max_dynamic + (world.max_stable if shown > 0 else 0)

        def init(keys: Keys, hparams: HParams, carry: Callable[[int], PyTree]) -> Lifetime:
            del carry
            own = world.init_lifetime(keys.world, hparams)
            return Lifetime(
                own, world.init_lifetime(prng.named(keys.world, "irrelevant"), hparams) if irrelevant else own
            )

        def show(key: Array, params: PyTree, number: int) -> Trajectory:
            def one(key: Array) -> Trajectory:
                shows = jax.random.uniform(prng.named(key, "shown")) < shown
                return world.sequence(key, params, pairs, shows, told)

            return _side_by_side(jax.vmap(one)(jax.random.split(key, number)))

        def following(
            key: Array, state: Lifetime, policy: Policy | None, hparams: HParams
        ) -> tuple[Lifetime, Trajectory]:
            del policy, hparams
            key_show, key_drift = jax.random.split(key)
            trajectory = show(key_show, state.shown, num_envs)
            drifted = world.drift_step(key_drift, state.shown)
            own = world.drift_step(prng.named(key_drift, "irrelevant"), state.world) if irrelevant else drifted
            return Lifetime(own, drifted), trajectory

        return Source(
            init=init,
            next=following,
            world=world,
            num_envs=num_envs,
            num_steps=pairs + (2 if told else 1) * world.max_queries,
            agentic=False,
            channels=(),
            settings=declared(world, world.life_reads),
            spec=("lifetime", num_envs, world.spec, shown, irrelevant, told),
            others_act=True,
            fresh=lambda key, state, hparams, number: show(key, state.world, number),
        )

    return factory


class FreshWorlds(NamedTuple):
    """A world like those that the sequences are of."""

    world: PyTree


@once
def fresh_worlds(num_envs: int = 16, load: int | None = None) -> SourceFactory:
    """Makes a source of sequences each of which has a world of its own: nothing is worth keeping but how to remember.

    The number of pairs is drawn too, from 2 to `load`, small ones as likely as large ones. It does not depend on the
    task's own world, so an axis over how much of it lasts shares what is learnt here.

    Args:
      num_envs: `E`, sequences per update.
      load: the most pairs of a world; all that the padding has room for when not given, and never more.

    Returns:
      a factory `(world, channels, num_steps) -> Source`. It raises :class:`UserError` for a world without lifetimes, or
      channels of the senses.

    Raises:
      UserError: for fewer than one sequence, or a load below 2.
    """
    num_envs = check_streams("fresh_worlds", num_envs)
    load = None if load is None else count(load, "fresh_worlds: load", least=2)
    asked = load

    def factory(world: Any, channels: Sequence[Channel], num_steps: int | None = None) -> Source:
        del num_steps
        _check("fresh_worlds", world, channels)
        room = world.max_stable + world.max_dynamic
        load = room if asked is None else min(asked, room)
        if load < 2:
            raise UserError(f"fresh_worlds: the world {world.name} has room for {room} pair, at least 2 are needed")

        def init(keys: Keys, hparams: HParams, carry: Callable[[int], PyTree]) -> FreshWorlds:
            del carry
            return FreshWorlds(world.fresh_world(keys.world, hparams, load))

        def show(key: Array, hparams: HParams, number: int) -> Trajectory:
            def one(key: Array) -> Trajectory:
                key_world, key_sequence = jax.random.split(key)
                return world.sequence(
                    key_sequence, world.fresh_world(key_world, hparams, load), load, jnp.ones((), bool)
                )

            return _side_by_side(jax.vmap(one)(jax.random.split(key, number)))

        def following(
            key: Array, state: FreshWorlds, policy: Policy | None, hparams: HParams
        ) -> tuple[FreshWorlds, Trajectory]:
            del policy
            return state, show(key, hparams, num_envs)

        return Source(
            init=init,
            next=following,
            world=world,
            num_envs=num_envs,
            num_steps=load + world.max_queries,
            agentic=False,
            channels=(),
            settings=declared(world, world.redraw_reads),
            spec=("fresh_worlds", num_envs, world.spec, load),
            others_act=True,
            fresh=lambda key, state, hparams, number: show(key, hparams, number),
        )

    return factory


def _check(name: str, world: Any, channels: Sequence[Channel]) -> None:
    if not keeps(world, Lifetimes):
        raise UserError(f"{name}: the world {world.name} has no lifetimes, sequences that share what lasts; Recall has")
    for channel in channels:
        if channel.place in ("sensory", "abstraction"):
            raise UserError(f"{name}: its sequences go through no channels, found one of the place {channel.place!r}")


def _side_by_side(batch: Trajectory) -> Trajectory:
    """Leaves `[T, E, ...]` of leaves `[E, T, ...]`."""
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), batch)
