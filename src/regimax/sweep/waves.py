"""The order of work: waves that bound what is parked, and in a wave one pool after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from regimax.sweep.ledger import Ledger
from regimax.sweep.numbered import NONE, Numbered
from regimax.sweep.plan import Plan
from regimax.sweep.states import FRACTION

PARKED_BYTES = 2 * 2**30
"""Of final states that wait for their children at once, on a disk."""


class Work(NamedTuple):
    """What a pool is given.

    Attributes:
      program: identity of its program.
      ready: the stages that can begin, by number.
      stages: how many could fill lanes at once, those that become ready later included.
    """

    program: str
    ready: np.ndarray
    stages: int


def parked_bytes(platform: str, memory: int) -> int:
    """Returns the bytes of final states that may wait for their children at once, unless a run says otherwise.

    On accelerators as many as these hold themselves, where that is more: of large states a disk's would be few, and so
    few lanes would run that launching kernels takes the time.

    Args:
      platform: of the devices.
      memory: of all of them that is free, bytes.

    Example:
      >>> [parked_bytes(platform, 140 * 10**9) // 10**9 for platform in ("cpu", "gpu")]
      [2, 14]
    """
    return PARKED_BYTES if platform == "cpu" else max(PARKED_BYTES, int(FRACTION * memory))


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


def pools(ledger: Ledger, wave: Sequence[str]) -> Iterator[Work]:
    """Yields the work of one pool after the other, until all of a wave is finished.

    A program of which no stage waits for another program goes first, so that most programs run in one pool. Of its
    stages those that were under way go first, then those with the longest way to go, so that none is left alone at the
    end.
    """
    stages, programs = ledger.stages, list(ledger.plan.programs)
    own = stages.numbers(wave)
    ahead = _ahead(stages, own)
    while True:
        left = own[~ledger.ended(own)]
        program, parent, resumed = stages.program[left], stages.parent[left], ledger.was_in_lanes(left)
        ready = resumed | (parent == NONE) | ledger.ended(parent)
        if not ready.any():
            return
        blocked = set(program[~ready & (stages.program[parent] != program)])
        under_way = set(program[resumed])
        beginning = Counter(program[stages.inherit[left] != NONE].tolist())
        chosen = min(set(program[ready].tolist()), key=lambda p: (p not in under_way, p in blocked, p))
        mine = ready & (program == chosen)
        first = left[mine][np.lexsort((-ahead[left[mine]], ~resumed[mine]))]
        yield Work(programs[chosen], first, max(len(first), beginning[chosen]))


def _ahead(stages: Numbered, wave: np.ndarray) -> np.ndarray:
    """Updates from the beginning of a stage to the end of the longest chain of its program that goes on from it."""
    ahead = np.zeros(len(stages), np.int64)
    for stage in wave[::-1].tolist():  # children before parents
        ahead[stage] += stages.end[stage] - stages.start[stage]
        parent = stages.parent[stage]
        if parent != NONE and stages.program[parent] == stages.program[stage]:
            ahead[parent] = max(ahead[parent], ahead[stage])
    return ahead
