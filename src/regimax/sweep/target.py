"""What a plan's programs would be on a chip that is not there: compiled for it, and read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

import jax
from jax.sharding import SingleDeviceSharding

from regimax.backend import cores
from regimax.errors import UserError
from regimax.frames import with_room
from regimax.regimes import Program
from regimax.sweep import block, width
from regimax.sweep.cost import Costs
from regimax.sweep.display import human
from regimax.sweep.executables import Function, compiled
from regimax.sweep.lanes import Engine, Memory, bytes_per_lane, memory_of
from regimax.sweep.optimization import of_plan
from regimax.sweep.plan import Plan
from regimax.sweep.summary import kind
from regimax.sweep.waves import parked_bytes, waves
from regimax.targets import Chip, launches


class Ahead:
    """Compiles plans for a chip, each program once.

    Args:
      chip: what for.
      block: lanes of a block; when not given the sweep's, or the one that a run there would choose.
      say: called with what is being compiled.
      known: what was found before by the same versions, plain data by program and lanes; what is compiled is added.

    Raises:
      UserError: for a block below 1.
    """

    def __init__(
        self,
        chip: Chip,
        block: int | None = None,
        say: Callable[[str], None] = lambda text: None,
        known: dict[str, dict[str, Any]] | None = None,
    ):
        if block is not None and block < 1:
            raise UserError(f"--block {block} is below 1")
        self.chip, self._block, self._say = chip, block, say
        self._known = {} if known is None else known

    def summary(self, plan: Plan) -> dict[str, Any]:
        """Returns what a plan would be on the chip, in plain data.

        Keys: `chip`, `memory_bytes`, `launch_seconds` (of a kernel, or None), `jax` (its version), and `programs`, a
        list. Of each program: `phase`, `program` (its identity), `stages` (that can run side by side), `block`,
        `compiles`, and `problem` (why it cannot be run, or None); where it compiles also `seconds` (that took), `lanes`
        (in flight), `state_bytes_per_lane`, `temporary_bytes_per_lane`, `fits` (in the chip's memory),
        `steps_per_update` of a lane and `steps_are` ("environment" or "unlabelled"); and on a chip that is made to
        launch kernels `kernels_per_update` (its share of the evaluation included, loops by their turns),
        `kernels_per_tick` (by kind), `open_loops` (of unknown length: each counts as one turn), and
        `steps_per_second_at_most`: of all lanes, if launching were all that takes time.
        """
        sizes = {name: bytes_per_lane(program) for name, program in plan.programs.items()}
        parked = parked_bytes(self.chip.device.platform, self.chip.memory)
        stages = block.at_once(plan, waves(plan, sizes.__getitem__, parked))
        chosen = of_plan(plan, Costs(plan), self.chip.platform)
        programs = [self._program(plan, name, stages[name], chosen) for name in plan.programs]
        facts = {"chip": self.chip.name, "memory_bytes": self.chip.memory, "launch_seconds": self.chip.launch_seconds}
        return facts | {"jax": jax.__version__, "programs": programs}

    def _program(self, plan: Plan, name: str, stages: int, optimization: str) -> dict[str, Any]:
        """One program, at the block that a run there takes, unless the user has said which."""
        about = {"phase": kind(plan, name), "program": name, "stages": stages}
        program = plan.programs[name]
        asked = self._block or (plan.sweep.block if isinstance(plan.sweep.block, int) else None)
        lane = Memory(bytes_per_lane(program), 0)  # before it is compiled, as `block.planned`
        lanes = asked or self._chosen(stages, lane)
        while True:
            facts = self._compiled(program, name, lanes, optimization, about["phase"])
            if facts["compiles"]:
                lane = Memory(*(math.ceil(facts[f"{part}_bytes_per_lane"]) for part in ("state", "temporary")))
            smaller = (
                self._chosen(stages, lane) if facts["compiles"] else lanes // (1 if facts.get("fits", True) else 2)
            )
            if asked or not 0 < smaller < lanes:
                break
            lanes = smaller
        about["block"] = lanes
        if not facts["compiles"]:
            return about | facts
        memory = Memory(lanes * lane.resident, lanes * lane.temporary)
        in_flight = width.lanes_of_accelerator(lanes, memory, self.chip.memory)
        about["lanes"] = min(in_flight, stages)
        if self.chip.launch_seconds is None:
            return about | facts
        seconds = facts["kernels_per_update"] * self.chip.launch_seconds
        return about | facts | {"steps_per_second_at_most": min(lanes, stages) * facts["steps_per_update"] / seconds}

    def _chosen(self, stages: int, lane: Memory) -> int:
        """The block that a run would choose, as far as is known what a lane needs."""
        return block.choose_block(self.chip.device.platform, stages, 1, lane, self.chip.memory)

    def _compiled(self, program: Program, name: str, lanes: int, optimization: str, phase: str) -> dict[str, Any]:
        """What does not depend on how many stages there are."""
        key = f"{name}, {lanes} lanes, {optimization}"
        if key not in self._known:
            self._say(f"compiling {phase} for {lanes:,} lanes")
            self._known[key] = _facts(program, lanes, optimization, self.chip)
        return self._known[key]


def _facts(program: Program, lanes: int, optimization: str, chip: Chip) -> dict[str, Any]:
    since, engine = time.monotonic(), Engine(program, lanes, [chip.device], optimization=optimization)
    try:
        tick = _compile_all(engine, chip)["advance"]
    except Exception as error:  # JAX's and XLA's, of many kinds
        fits = {"fits": False} if width.out_of_memory(error) else {}
        return {"compiles": False, "problem": _why(error)} | fits
    memory = memory_of(tick)
    needed = 2 * memory.resident + memory.temporary  # with a block that is being prepared
    fits = needed <= width.FRACTION * chip.memory
    own, passive = program.learner.source.steps
    return {
        "compiles": True,
        "problem": None if fits else f"needs {human(needed, 'B')} of memory; the chip has {human(chip.memory, 'B')}",
        "seconds": time.monotonic() - since,
        "state_bytes_per_lane": memory.resident / lanes,
        "temporary_bytes_per_lane": memory.temporary / lanes,
        "fits": fits,
        "steps_per_update": own or passive,
        "steps_are": "environment" if own else "unlabelled",
        **({} if chip.launch_seconds is None else _kernels(tick, program.phase.evaluate.every)),
    }


def _kernels(tick: jax.stages.Compiled, updates: int) -> dict[str, Any]:
    """What a tick of so many updates launches."""
    found = launches(tick.as_text() or "")
    return {
        "kernels_per_update": found.total / updates,
        "kernels_per_tick": dict(found.kinds.most_common()),
        "open_loops": found.open_loops,
    }


def _compile_all(engine: Engine, chip: Chip) -> dict[str, jax.stages.Compiled]:
    """Everything that a run would compile, by name."""
    wanted = {name: one for name, one in engine.functions.items() if name != "probe" or engine.program.probes}
    there = SingleDeviceSharding(chip.device)

    @with_room
    def ready(name: str, function: Function) -> jax.stages.Compiled:
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=there), function.shapes())
        traced = jax.jit(function.call, donate_argnums=function.donate).trace(*shapes)
        return compiled(traced.lower(lowering_platforms=(chip.platform,)), engine.options[name])

    with ThreadPoolExecutor(cores()) as threads:
        return dict(zip(wanted, threads.map(ready, wanted, wanted.values()), strict=True))


def target_text(facts: dict[str, Any]) -> str:
    """Returns a summary in lines of 100 columns for people."""
    programs, launch = facts["programs"], facts["launch_seconds"]
    columns = ["program", "compiles", "block", "lanes", "state", "temporary"]
    rows = [columns if launch is None else [*columns, "kernels", "at most"], *(_row(program) for program in programs)]
    lines = [f"On one {facts['chip']}, compiled without it by jax {facts['jax']}:", "", *_aligned(rows), ""]
    lines += [f"{p['phase']}: {p['problem']}" for p in programs if p["problem"]]
    lines.append("lanes: in flight at once, in one or two blocks; state and temporary: memory of each")
    if launch is not None:
        lines += [
            "kernels: of an update of all lanes of a block, its share of the evaluation included",
            f"at most: what launching allows, {1e6 * launch:g} µs a kernel: a bound from above and no prediction, for",
            "  how long a kernel runs is not known before it has run; where a learner takes no steps of its own,",
            "  unlabelled ones count",
        ]
    if any(p.get("open_loops") for p in programs):
        lines.append("≥: loops whose length is not known when compiled count as one turn")
    return "\n".join(lines)


def _row(program: dict[str, Any]) -> list[str]:
    """The cells of a program; fewer where there is nothing to tell."""
    block = f"{program['block']:,}"
    if not program["compiles"]:
        return [program["phase"], "no", block]
    row = [
        program["phase"],
        f"in {program['seconds']:.0f} s",
        block,
        f"{program['lanes']:,}",
        human(program["state_bytes_per_lane"], "B"),
        human(program["temporary_bytes_per_lane"], "B"),
    ]
    if "kernels_per_update" not in program:
        return row
    kernels = f"{'≥ ' if program['open_loops'] else ''}{program['kernels_per_update']:,.0f}"
    return [*row, kernels, f"{human(program['steps_per_second_at_most'])} steps/s"]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns, the first to the left and the others to the right."""
    first, *others = (max(map(len, column)) for column in zip_longest(*rows, fillvalue=""))
    return [
        "  ".join([f"  {row[0]:<{first}}", *(f"{cell:>{n}}" for cell, n in zip(row[1:], others, strict=False))])
        for row in rows
    ]


def _why(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
