"""The order of work: waves that bound what is parked, and in a wave one pool after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from regimax.sweep.ledger import Ledger
from regimax.sweep.plan import Plan

PARKED_BYTES = 2 * 2**30
"""Of final states that wait for their children at once, unless a run says otherwise."""


class Work(NamedTuple):
    """What a pool is given.

    Attributes:
      program: identity of its program.
      ready: ids of the stages that can begin.
      stages: how many could fill lanes at once, those that become ready later included.
    """

    program: str
    ready: list[str]
    stages: int


def waves(plan: Plan, state_bytes: Callable[[str], int], limit: int) -> list[list[str]]:
    """Splits a plan into waves that can be run one after the other.

    A wave holds whole trees of stages: no stage begins from one of another wave. The states that its stages park, were
    all of them parked at once, stay under the limit, unless one tree alone needs more.

    Args:
      plan: the plan.
      state_bytes: size of one state of a program, bytes.
      limit: of the bytes parked at once.

    Returns:
      ids of stages, parents before children.
    """
    root: dict[str, str] = {}
    trees: dict[str, list[str]] = {}
    parked: dict[str, int] = {}
    sizes = {program: state_bytes(program) for program in plan.programs}
    for stage in plan.stages.values():
        top = root[stage.id] = root[stage.parent] if stage.parent else stage.id
        trees.setdefault(top, []).append(stage.id)
        forks = any(plan.stages[child].inherit is not None for child in plan.children.get(stage.id, ()))
        parked[top] = parked.get(top, 0) + (sizes[stage.program] if forks else 0)
    found: list[list[str]] = [[]]
    total = 0
    for top, stages in trees.items():
        if found[-1] and parked[top] and total + parked[top] > limit:
            found.append([])
            total = 0
        found[-1] += stages
        total += parked[top]
    return found


def order(plan: Plan) -> list[str]:
    """Returns the programs in the order in which `pools` comes to them: those that wait for others after these."""
    depth: dict[str, int] = {}
    of_program = dict.fromkeys(plan.programs, 0)
    for stage in plan.stages.values():
        parent = plan.stages[stage.parent] if stage.parent else None
        before = depth[parent.id] + (parent.program != stage.program) if parent else 0
        depth[stage.id] = before
        of_program[stage.program] = max(of_program[stage.program], before)
    return sorted(of_program, key=of_program.__getitem__)


def pools(plan: Plan, ledger: Ledger, wave: Sequence[str]) -> Iterator[Work]:
    """Yields the work of one pool after the other, until all of a wave is finished.

    A program of which no stage waits for another program goes first, so that most programs run in one pool. Of its
    stages those that were under way go first, then those with the longest way to go, so that none is left alone at the
    end.
    """
    programs = list(plan.programs)
    ahead = _ahead(plan, wave)
    while True:
        ready: dict[str, list[str]] = {}
        blocked: set[str] = set()
        count: dict[str, int] = {}
        for name in wave:
            if name in ledger.finished:
                continue
            stage = plan.stages[name]
            if stage.inherit is not None:
                count[stage.program] = count.get(stage.program, 0) + 1
            if name in ledger.resumed or stage.parent is None or stage.parent in ledger.finished:
                ready.setdefault(stage.program, []).append(name)
            elif plan.stages[stage.parent].program != stage.program:
                blocked.add(stage.program)
        if not ready:
            return
        resumed = {plan.stages[name].program for name in ledger.resumed}
        program = min(ready, key=lambda p: (p not in resumed, p in blocked, programs.index(p)))
        first = sorted(ready[program], key=lambda s: (s not in ledger.resumed, -ahead[s]))
        yield Work(program, first, max(len(first), count.get(program, 0)))


def _ahead(plan: Plan, wave: Sequence[str]) -> dict[str, int]:
    """Updates from the beginning of a stage to the end of the longest chain of its program that goes on from it."""
    ahead: dict[str, int] = {}
    for name in reversed(wave):
        stage = plan.stages[name]
        after = [ahead[c] for c in plan.children.get(name, ()) if plan.stages[c].program == stage.program]
        ahead[name] = stage.end - stage.start + max(after, default=0)
    return ahead
