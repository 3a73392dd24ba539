"""`regimax plan`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from regimax.cli import arguments, given

if TYPE_CHECKING:
    from regimax.sweep.target import Ahead


def plan(command: arguments.Plan) -> int:
    """Says what would be run. Returns the exit code: 1 where a program does not compile for the chip, or fit."""
    given.check_numbers(command)
    file = given.file(command.spec)  # before anything slow
    ahead = _ahead(command)
    from regimax.backend import prepare_cpu, use_compilation_cache

    prepare_cpu()
    use_compilation_cache()
    import json

    from regimax.sweep.files import load_file
    from regimax.sweep.plan import Plan, make_plan
    from regimax.sweep.summary import plan_summary, plan_text
    from regimax.sweep.target import target_text

    def summary(plan: Plan) -> dict[str, Any]:
        facts = plan_summary(plan, command.measure)
        return facts | {"target": ahead.summary(plan)} if ahead else facts

    def text(facts: dict[str, Any]) -> str:
        return "\n\n".join([plan_text(facts), *([target_text(facts["target"])] if ahead else [])])

    module = load_file(file)
    claim = given.claimed(command, module, file)
    if claim is None:
        facts = summary(make_plan(given.sweep(command, module, file)))
        print(json.dumps(facts, indent=1) if command.json else text(facts))
        return _compiled(facts)
    from regimax.claims.execute import plans
    from regimax.claims.pilot import power_line, powers

    power = powers(claim, given.scale(command))
    kinds = plans(claim, given.scale(command))._asdict()
    found = {kind: {n: summary(p) for n, p in of.items()} for kind, of in kinds.items()}
    if command.json:
        print(json.dumps(found | {"power": power}, indent=1))
    else:
        for kind, of in found.items():
            for name, facts in of.items():
                print(f"{claim.id} {kind}{'' if len(of) == 1 else f': {name}'}\n{text(facts)}")
        for row in power:
            print(power_line(row))
    return max(_compiled(facts) for of in found.values() for facts in of.values())


def _ahead(command: arguments.Plan) -> Ahead | None:
    """What compiles for the chip that a plan is for, where one is named."""
    if command.target is None:
        return None
    from regimax.targets import chip

    found = chip(command.target)
    from regimax.sweep.target import Ahead

    return Ahead(found, command.block, lambda text: print(text, file=sys.stderr, flush=True))


def _compiled(facts: dict[str, Any]) -> int:
    """The exit code of a plan: 1 where a program does not compile for the chip, or does not fit."""
    programs = facts["target"]["programs"] if "target" in facts else []
    return 1 if any(program["problem"] for program in programs) else 0
