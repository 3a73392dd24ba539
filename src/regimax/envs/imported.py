"""Importing what other people's worlds come in, which is an extra and has bounds of its own on jax."""

from __future__ import annotations

import importlib
from types import ModuleType

import jax

from regimax.errors import UserError


def imported(module: str, package: str, world: str, install: str) -> ModuleType:
    """Imports a module of a package that need not be installed.

    Args:
      module: its full name.
      package: its name for people.
      world: that is asked for.
      install: what to type after `pip install`, and what that brings along.

    Returns:
      the module.

    Raises:
      UserError: if it is not there, or fails in any way: a package that calls what this jax no longer has does.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise UserError(
            f"{world}: {package} cannot be imported beside jax {jax.__version__} ({error}). "
            f"Install it with: pip install {install}"
        ) from error
