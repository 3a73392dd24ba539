"""What was typed, as the settings of a sweep or a claim."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regimax.cli import arguments
from regimax.errors import UserError

if TYPE_CHECKING:
    from types import ModuleType

    from regimax.claims.claim import Claim, Scale
    from regimax.sweep.spec import Sweep


def file(path: Path) -> Path:
    """The file that was named, or the one of that name that comes with regimax; nothing slow is imported for it."""
    from regimax.sweep import shipped
    from regimax.sweep.files import load_file

    found = shipped.resolve(path)
    if found.is_dir():
        raise UserError(f"{str(found)!r} is a folder: regimax run --all {found} runs every file in it")
    if not found.is_file():
        load_file(found)
    return found


def sweep(command: arguments.Run | arguments.Plan, module: ModuleType, file: Path) -> Sweep:
    """The sweep of a file, with what was typed in the place of what it says."""
    from regimax.sweep import spec
    from regimax.sweep.files import sweep_of

    if command.full or (isinstance(command, arguments.Run) and command.small):
        raise UserError(f"{file} holds a sweep, not a claim: --small and --full are of claims")
    numbers = numerics(command) if isinstance(command, arguments.Run) else {}
    found = spec.override(sweep_of(module, file), assigned(command), command.seeds, command.block, numbers)
    if isinstance(command, arguments.Run) and command.devices is None:
        _leave_no_device_idle(found, command.width)
    return found


def numerics(command: arguments.Run) -> dict[str, Any]:
    """What was typed of numbers; what was not is the file's."""
    usual = {"precision": None, "deterministic": False, "autotune": True}
    return {name: given for name, default in usual.items() if (given := getattr(command, name)) != default}


def _leave_no_device_idle(sweep: Sweep, width: int | None) -> None:
    """Splits a CPU into no more devices than all cells, or lanes, make blocks; one that idles slows the others.

    Where regimes run programs of their own, one after the other, a device may idle all the same. Nothing is changed
    where the file of the sweep has computed something.
    """
    from regimax.backend import prepare_cpu, usual_devices
    from regimax.sweep import axes, spec
    from regimax.sweep.block import CPU_BLOCK

    block = sweep.block if isinstance(sweep.block, int) else CPU_BLOCK
    points = sum(point.of(regime.name) for point in axes.points(sweep) for regime in sweep.regimes)
    cells = points * len(spec.seed_list(sweep))
    with contextlib.suppress(UserError):
        prepare_cpu(min(usual_devices(), math.ceil(min(cells, width or cells) / max(1, block))))


def claimed(command: arguments.Run | arguments.Plan, module: ModuleType, file: Path) -> Claim | None:
    """The claim of a file, or None where it holds a sweep."""
    if not hasattr(module, "claim"):
        return None
    from regimax.claims.claim import claim_of

    claim = claim_of(module, file)
    if isinstance(command, arguments.Run):
        check_fixed(command, "a claim: what it runs is fixed in its file")
        if command.part is not None or command.backend != "here":
            raise UserError("--part and --backend are of sweeps: the tuning of a claim comes before its result")
    if command.assignments or command.seeds is not None:
        raise UserError("--set and --seeds do not go with a claim: what it runs is fixed in its file")
    if command.block is not None and not (isinstance(command, arguments.Plan) and command.target):
        raise UserError("--block does not go with a claim: what it runs is fixed in its file")
    return claim


def scale(command: arguments.Run | arguments.Plan) -> Scale:
    """Which sweeps of a claim are meant."""
    if isinstance(command, arguments.Run) and command.small and command.full:
        raise UserError("--small and --full exclude each other")
    return "full" if command.full else "small"


def assigned(command: arguments.Run | arguments.Plan) -> list[str]:
    """The values of axes that were typed, as AXIS=V1,V2."""
    return [text for group in command.assignments for text in group]


def check_fixed(command: arguments.Run, what: str) -> None:
    """Refuses settings of numbers where they are fixed."""
    for name in numerics(command):
        raise UserError(f"--{'no-' if name == 'autotune' else ''}{name} does not go with {what}")


def part(command: arguments.Run) -> tuple[int, int] | None:
    """The share that was typed, as number and how many; None where all is run."""
    if command.part is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", command.part)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--part {command.part!r} is not I/N with I from 1 to N, as 2/8")
    if command.extend:
        raise UserError("--part and --extend exclude each other: extend what the shares were merged into")
    return int(found[1]), int(found[2])


def check_backend(command: arguments.Run) -> None:
    """Refuses what goes with another backend only."""
    if command.backend == "here":
        for name in ("workers", "shares", "address", "hang_seconds"):
            if getattr(command, name) is not None:
                raise UserError(f"--{name.replace('_', '-')} goes with --backend processes or ray")
    elif command.part is not None or command.extend:
        raise UserError(f"--backend {command.backend} does not go with --part or --extend")
    if command.address is not None and command.backend != "ray":
        raise UserError("--address goes with --backend ray")
    if command.hang_seconds is not None and not command.hang_seconds > command.checkpoint_every:
        raise UserError(
            f"--hang-seconds {command.hang_seconds:g} is not above --checkpoint-every {command.checkpoint_every:g}: a "
            "worker that is well would be taken for hung"
        )


def check_numbers(command: arguments.Run | arguments.Plan) -> None:
    """Refuses numbers below 1."""
    for name in ("seeds", "block"):
        if (given := getattr(command, name)) is not None and given < 1:
            raise UserError(f"--{name} {given} is below 1")
