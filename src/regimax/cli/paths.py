"""What was typed as a path, looked at before anything is done."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from regimax.errors import UserError

SHOWN = 60
"""Characters of a long path that are told."""


def check_paths(command: Any) -> None:
    """Refuses paths that cannot be looked at; whether anything must be there is for the command to tell.

    Args:
      command: a dataclass, some of whose fields are paths.

    Raises:
      UserError: for a name that no file can have, or in a folder that may not be entered.
    """
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        for path in value if isinstance(value, tuple) else (value,):
            if isinstance(path, Path):
                _check(path)


def _check(path: Path) -> None:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        name = str(path) if len(str(path)) <= SHOWN else f"{str(path)[: SHOWN // 2]}…{str(path)[-SHOWN // 2 :]}"
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"cannot look at {name!r}: {why}") from error
