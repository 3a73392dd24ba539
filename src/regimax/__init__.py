"""regimax: what it costs a learner to become competent, by how it learns.

Names are loaded when first used, so importing the package starts no JAX backend and does not import JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regimax import channels, envs, learners, networks, ops, probes, regimes, rollout, sources, types
    from regimax.backend import prepare_cpu
    from regimax.claims.claim import Claim, Tuning
    from regimax.claims.pilot import Pilot
    from regimax.envs.gymnax import from_gymnax
    from regimax.envs.interface import as_gymnax
    from regimax.errors import UserError
    from regimax.prng import Keys, cell_keys
    from regimax.sweep.loaded import load_run
    from regimax.sweep.spaces import integers, lin_space, log_space, log_uniform, only, sample, uniform
    from regimax.sweep.spec import Choice, Sweep
    from regimax.train import Result, make_train

__version__ = "0.1.0"

_MODULES = (
    *("channels", "claims", "envs", "export", "learners", "networks", "ops", "probes", "regimes", "report", "rollout"),
    *("sources", "sweep", "types"),
)
_NAMES = {
    "Choice": "sweep.spec",
    "Claim": "claims.claim",
    "Keys": "prng",
    "Pilot": "claims.pilot",
    "Result": "train",
    "Sweep": "sweep.spec",
    "Tuning": "claims.claim",
    "UserError": "errors",
    "as_gymnax": "envs.interface",
    "cell_keys": "prng",
    "from_gymnax": "envs.gymnax",
    "integers": "sweep.spaces",
    "lin_space": "sweep.spaces",
    "load_run": "sweep.loaded",
    "log_space": "sweep.spaces",
    "log_uniform": "sweep.spaces",
    "make_train": "train",
    "only": "sweep.spaces",
    "prepare_cpu": "backend",
    "sample": "sweep.spaces",
    "uniform": "sweep.spaces",
}

__all__ = [
    "Choice",
    "Claim",
    "Keys",
    "Pilot",
    "Result",
    "Sweep",
    "Tuning",
    "UserError",
    "__version__",
    "as_gymnax",
    "cell_keys",
    "channels",
    "envs",
    "from_gymnax",
    "integers",
    "learners",
    "lin_space",
    "load_run",
    "log_space",
    "log_uniform",
    "make_train",
    "networks",
    "only",
    "ops",
    "prepare_cpu",
    "probes",
    "regimes",
    "rollout",
    "sample",
    "sources",
    "types",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"regimax.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"regimax.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'regimax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
