"""A phase bound to a world: the pure functions that an engine compiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from regimax import prng
from regimax.channels import Channel, outcome, reward
from regimax.channels.base import PLACES
from regimax.envs import action_range, check_world
from regimax.errors import UserError, unknown
from regimax.learners import Learner, LearnerState
from regimax.learners.base import fresh_params
from regimax.networks import Code, Network
from regimax.networks.base import STATISTICS
from regimax.ops.reports_after import scan_numbers
from regimax.ops.trees import select
from regimax.ops.unrolled import unrolled
from regimax.precision import single
from regimax.prng import Keys
from regimax.probes import Probe, Subject
from regimax.regimes.base import Evaluate, Phase, Regime, Stop
from regimax.regimes.known import Programs, compiled_from, told_apart
from regimax.sources import Source
from regimax.traced import inlined, traced
from regimax.types import (
    EXPERIENCE,
    INT32,
    Array,
    HParams,
    Metrics,
    Params,
    Setting,
    Spec,
    count,
    is_finite,
    number,
    spent_on,
)

RUNNING, DONE, SOLVED, DIVERGED = 0, 1, 2, 3
STATUS = ("running", "done", "solved", "diverged")


class LaneState(NamedTuple):
    """A learner and where it stands.

    Attributes:
      learner: the learner's state.
      update: `[]` int32, updates since the phase began.
      streak: `[]` int32, evaluations in a row that met the stop rule.
      status: `[]` int32, an index into `STATUS`.
    """

    learner: LearnerState
    update: Array
    streak: Array
    status: Array


class Program(NamedTuple):
    """A phase bound to a world.

    Attributes:
      phase: the phase.
      world: the world that the phase lives in.
      learner: its learner.
      settings: every setting it reads, by the name that a sweep uses, with the phase's own defaults.
      local: the name that the phase's parts use, by the name that a sweep uses.
      fresh: `keys -> params`, those that its network begins with.
      init: `(keys, hparams, inherited) -> state`, before the first update.
      tick: `(keys, hparams, end, state, updates) -> (state, learning, evaluation)`; so many updates, which report
        `learning`, then an evaluation. `updates` is `evaluate.every`, or 0 for an evaluation before the first update,
        in which `learning` is 0; a traced number makes both one program, in whose loop an update is a call, see
        :func:`regimax.ops.loop_calls.inline_loop_calls`. Leaves a lane that does not run as it is.
      probes: what else is measured of it.
      probe: `(keys, hparams, state) -> metrics` of all probes, each with its name before it.
      spec: all that decides what `tick` compiles to; the probes do not.
    """

    phase: Phase
    world: Any
    learner: Learner
    settings: Mapping[str, Setting]
    local: Mapping[str, str]
    fresh: Callable[[Keys], Params]
    init: Callable[[Keys, HParams, Params], LaneState]
    tick: Callable[[Keys, HParams, Array, LaneState, Array | int], tuple[LaneState, Metrics, Metrics]]
    probes: tuple[Probe, ...]
    probe: Callable[[Keys, HParams, LaneState], Metrics]
    spec: Spec

    def probe_due(self, update: int, start: int, end: int) -> bool:
        """Returns whether a stage from update `start` to `end` is measured at an update before its end.

        Where it begins anew and every `probe_every` updates; its end, whenever that comes, is always measured.
        """
        return bool(self.probes_due(np.asarray(update), np.asarray(start), np.asarray(end)))

    def probes_due(self, update: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Returns the same of many stages, `[n]`."""
        every = self.phase.probe_every
        if every is None:
            return update == 0
        return (update == 0) | ((start < update) & (update < end) & (update % every == 0))

    def defaults(self) -> dict[str, float]:
        """Returns the default of every setting it reads."""
        return {name: setting.default for name, setting in self.settings.items()}


@single
def as_hparams(settings: Mapping[str, Setting], values: Mapping[str, Any]) -> dict[str, Array]:
    """Returns traced scalars, int32 for whole-number settings and float32 for the others."""
    return {
        name: jnp.asarray(values[name], jnp.int32 if setting.integer else jnp.float32)
        for name, setting in settings.items()
    }


def abstract_hparams(settings: Mapping[str, Setting]) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns their shapes."""
    return {
        name: jax.ShapeDtypeStruct((), jnp.int32 if setting.integer else jnp.float32)
        for name, setting in settings.items()
    }


def abstract_state(program: Program) -> tuple[LearnerState, dict[str, jax.ShapeDtypeStruct]]:
    """Returns the shapes of a learner's state and of its settings, by its own names.

    They are of the very types that its tick is traced for, so that JAX gives the traces that it has.
    """
    learner, keys = program.learner, prng.abstract_keys()
    local = {program.local[name]: value for name, value in abstract_hparams(program.settings).items()}
    return traced(learner.init, keys, local, traced(program.fresh, keys).out).out, local


def _settings(phase: Phase, learner: Learner) -> tuple[dict[str, Setting], dict[str, str]]:
    """Returns the settings by sweep name, and their local names."""
    names = [setting.name for setting in learner.settings]
    for name in phase.settings:
        if name not in names:
            raise unknown(f"setting of the phase {phase.name!r}", name, names)
    settings, local = {}, {}
    for setting in learner.source.settings:
        settings[setting.name], local[setting.name] = setting, setting.name
    for setting in learner.settings:
        name = f"{phase.name}.{setting.name}"
        default = phase.settings.get(setting.name, setting.default)
        settings[name] = setting._replace(name=name, default=setting.check(default, name))
        local[name] = setting.name
    return settings, local


def _marked(following: Callable) -> Callable:
    """Marks what a source does as spent on experience."""

    def marked(*args: Any) -> Any:
        with spent_on(EXPERIENCE):
            return following(*args)

    return marked


def _with_numbers(phase: Phase) -> Phase:
    """Returns a phase whose numbers are Python's. Refuses those that no phase can have."""
    where = f"phase {phase.name!r}"
    every, episodes = phase.evaluate
    updates = count(phase.updates, f"{phase.name}.updates")
    if updates > INT32:
        raise UserError(f"{phase.name}.updates = {updates} is out of range: updates are counted up to {INT32}")
    stop = phase.stop
    if stop is not None:
        at_least = number(stop.at_least)
        if not is_finite(at_least):
            raise UserError(f"{where}: stop.at_least = {at_least!r} is not a number")
        stop = Stop(stop.metric, float(at_least), count(stop.consecutive, f"{where}: stop.consecutive"))
    return phase._replace(
        updates=updates,
        evaluate=Evaluate(count(every, f"{where}: evaluate.every"), count(episodes, f"{where}: evaluate.episodes")),
        stop=stop,
        probe_every=number(phase.probe_every),
    )


def _check_channels(phase: Phase, channels: Sequence[Channel], world: Any) -> None:
    """Refuses a channel where nothing goes through, or actions of another kind, and two that have a setting of one
    name.
    """
    owner: dict[str, int] = {}
    for i, channel in enumerate(channels):
        if not isinstance(channel, Channel):
            raise UserError(f"phase {phase.name!r}: channels holds {channel!r}: give channels, for example reward()")
        if channel.place not in PLACES:
            raise unknown(f"place of a channel in the phase {phase.name!r}:", channel.place, PLACES)
        if channel.place == "decision" and channel.numbers != (action_range(world) is not None):
            kinds = ("one of several: use channels.decision()", "numbers: use channels.quantized_decision(low, high)")
            raise UserError(
                f"phase {phase.name!r}: its channel of decisions does not carry the actions of {world.name}, which are "
                f"{kinds[not channel.numbers]}"
            )
        for setting in channel.settings:
            if owner.setdefault(setting.name, i) != i:
                raise UserError(
                    f"phase {phase.name!r}: two channels have a setting {setting.name!r}; give one of them another name"
                )


def _check_spacing(phase: Phase, learner: Learner) -> None:
    """Refuses evaluations that are no multiple of the learner's interludes, and probes that are none of evaluations."""
    every, spacing, between = phase.evaluate.every, phase.probe_every, learner.interlude
    if between is not None and every % between.every:
        raise UserError(
            f"phase {phase.name!r}: evaluate.every = {every} is not a multiple of {between.every}, the updates between "
            "two interludes of its learner"
        )
    if spacing is not None and (spacing < 1 or spacing % every):
        raise UserError(
            f"phase {phase.name!r}: probe_every = {spacing} is not a positive multiple of evaluate.every = {every}"
        )


def _bind_probes(phase: Phase, source: Source, learner: Learner) -> tuple[Probe, ...]:
    """Binds the probes of a phase to its learner."""

    def altered(change: Code) -> Learner:
        def network(num_inputs: int, heads: Mapping[str, int]) -> Network:
            net = phase.network(num_inputs, heads)

            def apply(params: Params, carry: Any, x: Array, first: Array, code: Code | None) -> Any:
                through = change if code is None else lambda features: change(code(features))
                return net.apply(params, carry, x, first, through)

            return net._replace(apply=apply)

        return phase.learner(network, source, phase.freeze, phase.evaluate.episodes)

    probes = tuple(make(learner, altered) for make in phase.probes)
    names = [probe.name for probe in probes]
    if len(set(names)) < len(names):
        raise UserError(f"phase {phase.name!r}: its probes need different names, found {names}")
    return probes


@single
def bind(phase: Phase, world: Any, num_steps: int | None = None, known: Programs | None = None) -> Program:
    """Binds a phase to a world.

    Args:
      phase: the phase.
      world: the sweep's world; `phase.world` may turn it into the phase's own.
      num_steps: overrides the steps per update of a source that lets it (for counting at unpadded sizes).
      known: programs so far, to which this one is added. One that is compiled from the same parts, in a
        world that holds the same, lends its functions, which are then traced once for both.

    Returns:
      the program.

    Raises:
      UserError: if the budget is no multiple of the evaluations' spacing, the world lacks what the phase needs, or a
        name in the phase does not exist.
    """
    phase = _with_numbers(phase)
    every = phase.evaluate.every
    if phase.updates % every:
        raise UserError(
            f"{phase.name}.updates = {phase.updates} is not a positive multiple of evaluate.every = {every}"
        )
    key = (*compiled_from(phase, world), num_steps)
    if known is not None and key in known:
        like = known[key][1]
        _check_spacing(phase, like.learner)
        settings, local = _settings(phase, like.learner)
        return like._replace(phase=phase, settings=settings, local=local, spec=_spec(phase, like.learner))
    own_world = world
    if phase.world is not None:
        check_world(own_world := phase.world(world))
    channels = (outcome(), reward(*own_world.reward_range)) if phase.channels is None else phase.channels
    _check_channels(phase, channels, own_world)
    source = phase.source(own_world, channels, num_steps)
    source = source._replace(next=_marked(source.next))
    learner = phase.learner(phase.network, source, phase.freeze, phase.evaluate.episodes)
    # Traced once, whoever asks: what is compiled, what checks it, and what counts what an update costs. What is called
    # stays one equation of a trace around it, which is neither traced nor batched anew.
    learner = _each_function(learner, jax.jit)
    settings, local = _settings(phase, learner)
    _check_spacing(phase, learner)
    probes = _bind_probes(phase, source, learner)
    stop = phase.stop

    def given(hparams: HParams) -> dict[str, Array]:
        """Exactly what the phase declared, under its local names."""
        return {local[name]: hparams[name] for name in local}

    def met(metrics: Metrics, streak: Array) -> Array:
        """Evaluations in a row that met the stop rule, this one included."""
        if stop is None:
            return streak
        return jnp.where(metrics[stop.metric] >= stop.at_least, streak + 1, 0)

    def fresh(keys: Keys) -> Params:
        return fresh_params(learner.network, keys)

    def init(keys: Keys, hparams: HParams, inherited: Params) -> LaneState:
        zero = jnp.zeros((), jnp.int32)
        return LaneState(learner.init(keys, given(hparams), inherited), zero, zero, zero + RUNNING)

    def tick(
        keys: Keys, hparams: HParams, end: Array, state: LaneState, updates: Array | int
    ) -> tuple[LaneState, Metrics, Metrics]:
        hparams = given(hparams)
        known = updates if isinstance(updates, int) else 0
        # Where it is known how many updates there are, what is within is taken apart.
        its = _each_function(learner, inlined) if known else learner
        between = its.interlude

        def one(learned: LearnerState, count: Array) -> tuple[LearnerState, Metrics]:
            key = prng.named(keys.learner, "update", phase.name, count)
            learned, metrics = its.update(key, learned, hparams)
            return learned, metrics | source.received(learned.source)

        def next_one(carry: tuple[LearnerState, Array], _: None = None) -> tuple[tuple[LearnerState, Array], Metrics]:
            learned, count = carry
            learned, metrics = one(learned, count)
            return (learned, count + 1), metrics

        def group(carry: tuple[LearnerState, Array]) -> tuple[tuple[LearnerState, Array], Metrics]:
            assert between is not None
            if known:
                learned, metrics = scan_numbers(one, *carry, between.every)
                count = carry[1] + between.every
            else:
                (learned, count), metrics = jax.lax.scan(next_one, carry, None, length=between.every)
            key = prng.named(keys.learner, "interlude", phase.name, count)
            learned, rare = between.run(key, learned, hparams)
            return (learned, count), jax.tree.map(jnp.mean, metrics) | rare

        begun = state.learner, state.update
        if between is not None:
            (learned, count), learning = _repeated(group, begun, updates // between.every)
        elif known:
            learned, metrics = scan_numbers(one, *begun, known)
            count, learning = state.update + known, jax.tree.map(jnp.mean, metrics)
        else:
            (learned, count), learning = _repeated(next_one, begun, updates)
        evaluation = its.evaluate(prng.named(keys.learner, "evaluate", phase.name, count), learned, hparams)
        streak = met(evaluation, state.streak)
        finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((learned.params, evaluation))]))
        opening = count == state.update
        finite = (finite & jnp.all(jnp.stack([jnp.isfinite(x) for x in learning.values()]))) | opening
        status = jnp.where(count >= end, DONE, RUNNING)
        if stop is not None:
            status = jnp.where((streak >= stop.consecutive) & ~opening, SOLVED, status)
        # A lane that has diverged keeps its last finite state, and one that has ended the state that it ended with.
        running = state.status == RUNNING
        new = LaneState(learned, count, streak, status.astype(jnp.int32))
        kept = state._replace(status=jnp.where(running, DIVERGED, state.status))
        return select(running & finite, new, kept), learning, evaluation

    def probe(keys: Keys, hparams: HParams, state: LaneState) -> Metrics:
        hparams = given(hparams)
        key = prng.named(keys.learner, "probe", phase.name, state.update)
        if source.agentic:
            hidden = state.learner.source.world
        else:  # what the task hides behind the stream, from the same key
            reads = {s.name: s for s in own_world.settings if s.name in own_world.task_reads}
            hidden = own_world.init(keys.world, as_hparams(reads, {n: s.default for n, s in reads.items()} | hparams))
        subject = Subject(state.learner, fresh_params(learner.network, keys), hidden)
        found = {}
        for one in probes:
            measured = one.measure(prng.named(key, one.name), subject, hparams)
            found |= {f"{one.name}_{name}": value for name, value in measured.items()}
        return found

    fresh, init, tick, probe = single(fresh), single(init), single(_launched(tick)), single(probe)
    spec = _spec(phase, learner)
    program = Program(phase, own_world, learner, settings, local, fresh, init, tick, probes, probe, spec)
    if known is not None:
        known[key] = world, program  # both hold what its key stands for, so that nothing else takes their place
    return program


def _each_function(learner: Learner, change: Callable[[Any], Any]) -> Learner:
    """A learner whose functions are changed, those that a program calls."""
    between = learner.interlude
    return learner._replace(
        init=change(learner.init),
        update=change(learner.update),
        evaluate=change(learner.evaluate),
        interlude=between and between._replace(run=change(between.run)),
    )


def _spec(phase: Phase, learner: Learner) -> Spec:
    return "phase", phase.name, learner.spec, phase.evaluate.every, tuple(phase.stop) if phase.stop else None


def _launched(tick: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a tick whose loops are unrolled where its number of updates is one of Python's."""

    def chosen(keys: Keys, hparams: HParams, end: Array, state: LaneState, updates: Array | int) -> Any:
        if not isinstance(updates, int):
            return tick(keys, hparams, end, state, updates)
        args = (keys, hparams, end, state)
        return unrolled(traced(lambda *args: tick(*args, updates), *args))(*args)

    return chosen


def _repeated(step: Callable[[Any], tuple[Any, Metrics]], carry: Any, times: Array | int) -> tuple[Any, Metrics]:
    """Steps so many times, also where that is traced. Returns the last carry and the mean of what steps report.

    What is reported is 0 where there was no step.
    """
    equations, (_, shapes) = jax.make_jaxpr(step, return_shape=True)(carry)

    def body(_: Any, carried: tuple[Any, Metrics]) -> tuple[Any, Metrics]:
        carry, sums = carried
        flat = core.jaxpr_as_fun(equations)(*jax.tree.leaves(carry))
        carry, metrics = jax.tree.unflatten(jax.tree.structure((carry, shapes)), flat)
        return carry, jax.tree.map(jnp.add, sums, metrics)

    sums = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    carry, sums = jax.lax.fori_loop(0, times, body, (carry, sums))
    return carry, jax.tree.map(lambda x: x / jnp.maximum(times, 1), sums)


class BoundRegime(NamedTuple):
    """A regime bound to a world.

    Attributes:
      regime: the regime.
      programs: one per phase.
      settings: every setting that any of them reads, by sweep name.
    """

    regime: Regime
    programs: tuple[Program, ...]
    settings: Mapping[str, Setting]


@single
def bind_regime(regime: Regime, world: Any, known: Programs | None = None) -> BoundRegime:
    """Binds every phase of a regime to a world and checks what phases hand on.

    Args:
      regime: the regime.
      world: the world.
      known: programs so far, see :func:`bind`.

    Raises:
      UserError: if two phases share a name, disagree on a setting's default, or one inherits what the one before does
        not have in the same shape.
    """
    told = told_apart(world)
    if known is None or all(told_apart(of) != told for of, _ in known.values()):  # what was bound before was checked
        check_world(world)
    programs = tuple(bind(phase, world, known=known) for phase in regime.phases)
    names = [phase.name for phase in regime.phases]
    if not names or len(set(names)) < len(names):
        raise UserError(f"regime {regime.name!r}: its phases need different names, found {names}")
    settings: dict[str, Setting] = {}
    for program in programs:
        settings |= program.settings
    for program in programs:
        _check_stop(program)
    shapes = [jax.eval_shape(program.learner.network.init, prng.abstract_keys().learner) for program in programs]
    programs = tuple(_with_statistics(*of) for of in zip(programs, shapes, [{}, *shapes], strict=False))
    for i, phase in enumerate(regime.phases):
        where = f"regime {regime.name!r}, phase {phase.name!r}"
        for part in phase.freeze:
            if part not in shapes[i]:
                raise unknown(f"part to freeze in {where}:", part, shapes[i])
        for part in phase.inherit:
            before = shapes[i - 1] if i else {}
            if part not in before or part not in shapes[i]:
                if part == "policy" and i and not programs[i - 1].learner.source.others_act:
                    why = "" if hasattr(world, "stream_acts") else " (it has no stream_acts)"
                    raise UserError(f"{where}: nobody acts in the stream of {world.name}{why}: no {part} to inherit")
                raise unknown(f"part to inherit in {where}:", part, [name for name in before if name in shapes[i]])
            if jax.tree.map(lambda x: x.shape, before[part]) != jax.tree.map(lambda x: x.shape, shapes[i][part]):
                raise UserError(f"{where}: the part {part!r} has other sizes in the phase before")
    return BoundRegime(regime._replace(phases=tuple(p.phase for p in programs)), programs, settings)


def _with_statistics(program: Program, own: Params, before: Params) -> Program:
    """Returns a program that inherits statistics of observations with the trunk that has seen no others.

    Raises:
      UserError: where it inherits such a trunk and has none.
    """
    phase = program.phase
    if "trunk" not in phase.inherit or STATISTICS not in before or STATISTICS in phase.inherit:
        return program
    if STATISTICS not in own:
        raise UserError(
            f"phase {phase.name!r}: it inherits a trunk that has seen normalised observations: give it a network with "
            "normalize_observations too"
        )
    return program._replace(phase=phase._replace(inherit=(*phase.inherit, STATISTICS)))


def _check_stop(program: Program) -> None:
    """Refuses a stop rule over a metric that its phase does not evaluate."""
    phase = program.phase
    if phase.stop is None:
        return
    state, given = abstract_state(program)
    metrics = jax.eval_shape(program.learner.evaluate, prng.abstract_keys().learner, state, given)
    if phase.stop.metric not in metrics:
        raise unknown(f"metric of the stop rule of the phase {phase.name!r}", phase.stop.metric, sorted(metrics))


def inherited(phase: Phase, params: Params) -> Params:
    """Returns the subtrees that `phase` takes from the parameters of the phase before."""
    return {name: params[name] for name in phase.inherit}
