"""A static share of a plan, for runs on machines that know nothing of each other."""

from __future__ import annotations

import heapq
import math
from dataclasses import replace

from regimax.errors import UserError
from regimax.sweep.block import at_once
from regimax.sweep.plan import Plan, Share

PER_WORKER = 16
"""Shares for each worker, at most."""
KEY = "share"
"""Of a resolved sweep: which share of how many a run directory holds."""


def cut(plan: Plan, number: int, of: int) -> Plan:
    """Returns share `number` of `of` of a plan: whole trees of stages, about as much work as the others.

    Every cell is in one share, and every stage, so that nothing is run twice. Shares depend on the plan alone.

    Args:
      plan: the plan.
      number: from 1.
      of: how many shares.

    Returns:
      a plan of its cells and stages, to be run in a directory of its own.

    Raises:
      UserError: if there are not as many trees as shares.
    """
    trees = _trees(plan)
    if of > len(trees):
        raise UserError(f"{of} shares are too many: what of the sweep can be run apart makes {len(trees)} at most")
    of_stage = _work(plan)
    work = {top: sum(of_stage[name] for name in names) for top, names in trees.items()}
    shares = [(0.0, i) for i in range(1, of + 1)]
    mine: set[str] = set()
    for top in sorted(trees, key=lambda top: (-work[top], top)):  # the largest first, each to who has least
        load, i = heapq.heappop(shares)
        heapq.heappush(shares, (load + work[top], i))
        if i == number:
            mine.update(trees[top])
    stages = {name: stage for name, stage in plan.stages.items() if name in mine}
    used = {stage.program for stage in stages.values()}
    whole = at_once(plan, [list(plan.stages)])
    return replace(
        plan,
        cells=[cell for cell in plan.cells if cell.path[0] in mine],
        stages=stages,
        programs={name: program for name, program in plan.programs.items() if name in used},
        flops={name: known for name, known in plan.flops.items() if name in used},
        resolved=plan.resolved | {KEY: [number, of]},
        children={name: children for name, children in plan.children.items() if name in mine},
        # Blocks are those of a share of the whole, so that all shares have the same.
        share=Share(number, of, {name: math.ceil(lanes / of) for name, lanes in whole.items()}, plan),
    )


def suiting(plan: Plan, workers: int, worth: float) -> int:
    """Returns the number of shares that suits so many workers.

    Sixteen for each where there is work for so many: who is slow, or lost, at the end then keeps the others waiting for
    a sixteenth of its work. Fewer where they would not be worth to be begun, but one for each worker at least.

    Args:
      plan: the plan.
      workers: how many run at once.
      worth: FLOPs that are worth a share.
    """
    worthwhile = int(sum(_work(plan).values()) / worth)
    return min(len(_trees(plan)), max(workers, min(PER_WORKER * workers, worthwhile)))


def _work(plan: Plan) -> dict[str, float]:
    """FLOPs of every stage, as they are executed."""
    flops = {program: sum(plan.flops[program].executed.values()) for program in plan.programs}
    return {name: (stage.end - stage.start) * flops[stage.program] for name, stage in plan.stages.items()}


def _trees(plan: Plan) -> dict[str, list[str]]:
    """The stages by trees, each with the stages that begin from one another and those that are of one cell."""
    root = {name: name for name in plan.stages}

    def top(name: str) -> str:
        while root[name] != name:
            root[name] = name = root[root[name]]
        return name

    def join(one: str, other: str) -> None:
        first, second = sorted((top(one), top(other)))
        root[second] = first

    for stage in plan.stages.values():
        if stage.parent is not None:
            join(stage.parent, stage.id)
    for cell in plan.cells:
        for name in cell.path[1:]:
            join(cell.path[0], name)
    trees: dict[str, list[str]] = {}
    for name in plan.stages:
        trees.setdefault(top(name), []).append(name)
    return trees
