"""Whether a world keeps its promises, before anything is run in it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from regimax import prng
from regimax.envs.base import (
    Environment,
    HandMade,
    Lifetimes,
    Streams,
    abstract_action,
    action_range,
    action_shape,
    keeps,
    members,
)
from regimax.errors import UserError, unknown
from regimax.types import ActionRange, Field, PyTree, Setting, Trajectory, count, is_finite, number

DESCRIBED = (
    "concepts",
    "optimal_return",
    "random_success",
    "min_reward_bits_scratch",
    "min_reward_bits_stream",
    "observation_bits",
    "stream_bits",
    "action_bits",
    "episode_steps",
)
"""What `describe` says of every world."""
OPTIONAL = ((Streams, "transcript"), (Lifetimes, "sequence"), (HandMade, "hand_made"))
"""Promises that a world need not make, each with the member that shows that it means to."""


def lacking(world: Any, promise: type) -> str:
    """Returns the members of a protocol that a world lacks, in words; nothing where it has them all."""
    promised = {name for other in (Environment, Streams, Lifetimes, HandMade) for name in members(other)}
    there = [name for name in dir(world) if not name.startswith("_") and name not in promised]

    def told(name: str) -> str:
        like = difflib.get_close_matches(name, there, n=1, cutoff=0.8)
        return f"{name} (it has {like[0]!r})" if like else name

    return ", ".join(told(name) for name in members(promise) if not hasattr(world, name))


def check_world(world: Any) -> None:
    """Refuses a world that lacks a member, or whose members do not fit each other. Nothing is computed.

    Args:
      world: the world.

    Raises:
      UserError: if it does not keep the promises of `Environment`, or those of `Streams`, `Lifetimes` or `HandMade`
        where it has the method that shows them: the message names the member, what was found and what fits.

    Example:
      >>> from regimax.envs import Cipher
      >>> check_world(Cipher(symbols=3, skills=2, length=2))
    """
    name = getattr(world, "name", type(world).__name__)
    if isinstance(world, type):
        raise UserError(f"world = {world!r} is a class: make a world of it, {world.__name__}(…)")
    if missing := lacking(world, Environment):
        raise UserError(f"world = {world!r} is not a world: it lacks {missing}, see regimax.envs.Environment")
    for promise, shown in OPTIONAL:
        if hasattr(world, shown) and (missing := lacking(world, promise)):
            kind = promise.__name__
            raise UserError(f"the world {name} has {shown!r} but lacks {missing}, see regimax.envs.{kind}")
    where = f"the world {name}"
    _check_facts(world, where)
    _check_dynamics(world, where)
    if keeps(world, Streams):
        _check_stream(world, where)


def _check_facts(world: Any, where: str) -> None:
    for field in world.fields:
        if not isinstance(field, Field):
            raise UserError(f"{where}: fields holds {field!r}: give regimax.types.Field(name, size)")
        count(field.size, f"{where}: size of the field {field.name!r}")
    _different([field.name for field in world.fields], f"{where}: fields")
    count(world.num_actions, f"{where}: num_actions")
    _check_action_range(world, where)
    count(world.horizon, f"{where}: horizon")
    low, high = (number(value) for value in world.reward_range)
    if not (is_finite(low) and is_finite(high) and low < high):
        raise UserError(f"{where}: reward_range = {world.reward_range!r} is not a smaller and a larger number")
    for setting in world.settings:
        if not isinstance(setting, Setting) or not setting.name.startswith("world."):
            raise UserError(f"{where}: settings holds {setting!r}: give Setting('world.…', …)")
        setting.check(setting.default, f"{where}: {setting.name}")
    names = [setting.name for setting in world.settings]
    _different(names, f"{where}: settings")
    for reads in ("task_reads", "stream_reads", "life_reads", "redraw_reads"):
        for name in getattr(world, reads, ()):
            if name not in names:
                raise unknown(f"setting in {reads} of {where}:", name, names)
    known = world.describe({setting.name: setting.default for setting in world.settings})
    if not isinstance(known, Mapping) or (missing := [name for name in DESCRIBED if name not in known]):
        found = ", ".join(missing) if isinstance(known, Mapping) else "a mapping"
        raise UserError(f"{where}: describe does not return {found}; NaN stands for what is not known")
    for name, value in known.items():
        if not isinstance(number(value), int | float):
            raise UserError(f"{where}: describe returns {name} = {value!r}, which is not a number")


def _check_action_range(world: Any, where: str) -> None:
    if (within := action_range(world)) is None:
        return
    if not isinstance(within, ActionRange):
        raise UserError(f"{where}: action_range = {within!r}: give regimax.types.ActionRange(low, high)")
    for name, ends in zip(within._fields, within, strict=True):
        if len(ends) != world.num_actions:
            raise UserError(f"{where}: action_range has {len(ends)} numbers {name}, num_actions is {world.num_actions}")
    for low, high in zip(*within, strict=True):
        if not (is_finite(low) and is_finite(high) and low < high):
            raise UserError(f"{where}: action_range: {low!r} … {high!r} is not a smaller and a larger number")


def _different(names: list[str], where: str) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{where} need different names, found {twice[0]!r} twice")


def _check_dynamics(world: Any, where: str) -> None:
    size = sum(field.size for field in world.fields)
    key = prng.abstract_keys().learner
    params = _traced(world.init, "init", where, key, _given(world, "task_reads"), reads="task_reads")
    if hasattr(world, "unseen"):
        _same(_traced(world.unseen, "unseen", where, params), params, "unseen", where, "params", "init")
    _shape(_traced(world.legal, "legal", where, params), "legal", (world.num_actions,), where)
    obs, state = _parts(_traced(world.reset, "reset", where, key, params), "reset", ("obs", "state"), where)
    _shape(obs, "reset: obs", (size,), where, "the sizes of its fields add up to")
    again = _parts(_traced(world.reset, "reset", where, key, params, state), "reset", ("obs", "state"), where)
    _same(again[1], state, "reset after another episode", where)
    action = abstract_action(world)
    names = ("obs", "state", "reward", "terminated", "truncated", "info")
    found = _parts(_traced(world.step, "step", where, key, state, action, params), "step", names, where)
    obs, after, *scalars, info = found
    _shape(obs, "step: obs", (size,), where, "the sizes of its fields add up to")
    _same(after, state, "step", where)
    for name, value in zip(names[2:5], scalars, strict=True):
        _shape(value, f"step: {name}", (), where)
    views = ("augmented_view",) if getattr(world, "augmented_views", False) else ()
    for name in ("outcome", "success", *views):
        if not isinstance(info, Mapping) or name not in info:
            raise UserError(f"{where}: info of step has no {name!r}")
        _shape(info[name], f"step: {name}", (size,) if name == "augmented_view" else (), where)
    concepts = _traced(world.concepts, "concepts", where, state, params)
    if getattr(concepts, "ndim", None) != 1 or not jnp.issubdtype(concepts.dtype, jnp.integer):
        raise UserError(f"{where}: concepts returns {_words(concepts)}, integers [C] are needed")


def _check_stream(world: Any, where: str) -> None:
    steps, size = world.stream_steps, sum(field.size for field in world.fields)
    key = prng.abstract_keys().learner
    for name in world.stream_fields:
        if name not in (names := [field.name for field in world.fields]):
            raise unknown(f"field in stream_fields of {where}:", name, names)
    reads = "stream_reads"
    params = _traced(world.stream_init, "stream_init", where, key, _given(world, reads), reads=reads)
    if hasattr(world, "unseen"):
        _same(_traced(world.unseen, "unseen", where, params), params, "unseen", where, "params", "stream_init")
    shown = _traced(world.transcript, "transcript", where, key, params)
    for name in Trajectory._fields:
        if name in ("carry", "extras"):
            continue
        shape = (steps, size) if name.startswith("obs") else (steps,)
        shape = (steps, *action_shape(world)) if name == "a_tm1" else shape
        _shape(getattr(shown, name, None), f"transcript: {name}", shape, where)


def _given(world: Any, reads: str) -> dict[str, Any]:
    """The shapes of the settings that a method may read."""
    return {
        setting.name: jax.ShapeDtypeStruct((), jnp.int32 if setting.integer else jnp.float32)
        for setting in world.settings
        if setting.name in getattr(world, reads)
    }


def _traced(function: Callable, name: str, where: str, *args: Any, reads: str = "") -> Any:
    """The shapes of what a method returns."""
    try:
        return jax.eval_shape(lambda *given: function(*given), *args)
    except UserError:
        raise
    except KeyError as error:
        hint = f": it is not in {reads}" if reads and str(error.args[0]).startswith("world.") else ""
        raise UserError(f"{where}: {name} reads {error.args[0]!r}, which is not there{hint}") from error
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else ""
        raise UserError(f"{where}: {name} cannot be traced: {type(error).__name__}: {text}") from error


def _parts(found: Any, name: str, parts: tuple[str, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(found, tuple) or len(found) != len(parts):
        number_of = f"{len(found)} values" if isinstance(found, tuple) else "one value"
        raise UserError(f"{where}: {name} returns {number_of}, {len(parts)} are needed: {', '.join(parts)}")
    return found


def _words(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "shape") else f"a {type(value).__name__}"


def _shape(value: Any, name: str, shape: tuple[int, ...], where: str, why: str = "it needs the shape") -> None:
    if getattr(value, "shape", None) != shape:
        wanted = shape[0] if why.startswith("the sizes") else list(shape)
        raise UserError(f"{where}: {name} is {_words(value)}, {why} {wanted}")


def _same(found: PyTree, given: PyTree, name: str, where: str, what: str = "a state", giver: str = "reset") -> None:
    """Refuses a state of another structure than that with which episodes open, or such params."""
    before, after = (dict(jax.tree_util.tree_leaves_with_path(tree)) for tree in (given, found))
    if jax.tree.structure(found) != jax.tree.structure(given):
        odd = [jax.tree_util.keystr(path) for path in {**before, **after} if (path in before) != (path in after)]
        detail = f": {odd[0]} is in one of them only" if odd else ""
        raise UserError(f"{where}: {name} returns {what} of another structure than {giver}{detail}")
    for path, leaf in before.items():
        if (leaf.shape, leaf.dtype) != (after[path].shape, after[path].dtype):
            place = jax.tree_util.keystr(path) or f"the {what.split()[-1]}"
            found = f"{_words(leaf)} after {giver} and {_words(after[path])} after {name}"
            raise UserError(f"{where}: {place} is {found}: they must agree")
