"""The work that every way of the comparison does: PPO, its sizes and hyperparameters, and how it is timed.

Nothing but the standard library, so that every way can read it in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, NamedTuple


class PPO(NamedTuple):
    """Sizes and hyperparameters, the same in every way that can have them."""

    num_envs: int = 4
    num_steps: int = 128
    num_epochs: int = 4
    num_minibatches: int = 4
    hidden: int = 64
    learning_rate: float = 2.5e-4
    adam_eps: float = 1e-5
    max_grad_norm: float = 0.5
    discount: float = 0.99
    lambda_: float = 0.95
    clip: float = 0.2
    value_coef: float = 0.5
    entropy_coef: float = 0.01

    @property
    def steps_per_update(self) -> int:
        return self.num_envs * self.num_steps


SETTINGS = PPO()


def parser(text: str | None) -> argparse.ArgumentParser:
    """Returns the flags that every way understands."""
    flags = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--world", default="CartPole-v1", help="CartPole-v1 or Breakout-MinAtar")
    flags.add_argument("--agents", type=int, default=64, help="agents that are trained side by side")
    flags.add_argument("--updates", type=int, default=50, help="updates of each agent, 512 steps each")
    flags.add_argument(
        "--repetitions", type=int, default=3, help="timed runs, after one that warms up; 0 times nothing"
    )
    flags.add_argument("--evaluations", type=int, default=0, help="points of the learning curve, after the timing")
    flags.add_argument("--episodes", type=int, default=32, help="fresh episodes of each agent in each evaluation")
    flags.add_argument("--seed", type=int, default=0)
    return flags


class Spent(NamedTuple):
    """What a call took: wall-clock, and CPU time of all threads of the process, s."""

    seconds: float
    cpu: float


def timed(run: Callable[[], Any]) -> tuple[Spent, Any]:
    """Returns what a call took that only returns when all is done, and what it returned."""
    begun, cpu = time.monotonic(), time.process_time()
    result = run()
    return Spent(time.monotonic() - begun, time.process_time() - cpu), result


def speed(agents: int, updates: int, spent: Sequence[Spent]) -> dict[str, Any]:
    """Returns environment steps over all agents, per second of the wall-clock and per CPU second.

    Of the wall-clock of every repetition, their median and the worst; of the CPU time the median.
    """
    if not spent:
        return {}
    steps = agents * updates * SETTINGS.steps_per_update
    each = [steps / s.seconds for s in spent]
    return {
        "seconds": [s.seconds for s in spent],
        "cpu_seconds": [s.cpu for s in spent],
        "steps_per_second": each,
        "median_steps_per_second": statistics.median(each),
        "worst_steps_per_second": min(each),
        "median_steps_per_cpu_second": statistics.median(steps / s.cpu for s in spent),
    }


def point(updates: int, returns: Sequence[float]) -> dict[str, Any]:
    """One point of a learning curve.

    Args:
      updates: updates done.
      returns: mean return of each agent's episodes.

    Returns:
      steps of one agent, the agents' mean, its standard error (None for a single one) and their number.
    """
    error = statistics.stdev(returns) / math.sqrt(len(returns)) if len(returns) > 1 else None
    return {
        "steps": updates * SETTINGS.steps_per_update,
        "return": statistics.fmean(returns),
        "standard_error": error,
        "agents": len(returns),
    }


def say(given: argparse.Namespace, libraries: Sequence[str], result: dict[str, Any]) -> None:
    """Prints the result as one line of JSON, the last one on stdout."""
    facts = {
        "world": given.world,
        "agents": given.agents,
        "updates": given.updates,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in libraries},
    }
    print(json.dumps(facts | result))
