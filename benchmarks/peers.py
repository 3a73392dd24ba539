"""regimax beside others: the same PPO, the same sizes and hyperparameters, on one machine in one run.

Every way is a process of its own, and the ways take turns. Those of other people run unmodified, each in an environment
that is made when first needed from `benchmarks/requirements/` and kept in the folder `--cache`.

- ``regimax``, ``regimax-separate``: through the sweep engine; policy and value on one trunk, or on one each.
- ``plain``, ``plain-shared``: `plain_ppo.py`, one program in the manner of PureJaxRL; trunks as there, or one.
- ``rejax``: its PPO; separate trunks.
- ``sb3``: Stable-Baselines3, for one agent on CartPole; separate trunks.

Seconds of compiling are told apart from steady state, in which every way trains anew from fresh seeds, after a first
run that warms up. Steps are counted per second of the wall-clock and per CPU second: of a plain program XLA leaves all
but one core of a CPU nearly idle, so that the first says as much of cores as of work. A ratio above 1 says how many
times as fast the first of a pair is. A pair with other trunks does not do equal work, and says so. With
`--curve-updates`, each way also trains with evaluations on fresh episodes, and the final mean returns of a pair are
compared: `counts` is false where their 95% interval does not hold zero.

Command: python benchmarks/peers.py --agents 1 16 64 256 --turns 3 --curve-updates 400 --out FILE.json
Time: about an hour on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, NamedTuple

from scipy import stats
from task import SETTINGS
from turns import machine, spread

HERE = Path(__file__).parent


class Way(NamedTuple):
    """One way to do the work.

    Attributes:
      script: what its process runs.
      options: flags of its own.
      environment: name of the file of requirements of its own environment, or None for this one.
      differs: what it does that others do not, in words.
      most_agents: more agents than this are left out.
      worlds: in which it can do it; None for all.
    """

    script: str
    options: tuple[str, ...] = ()
    environment: str | None = None
    differs: str = ""
    most_agents: float = math.inf
    worlds: tuple[str, ...] | None = None


ENGINE = "writes curves and results to disk; evaluates twice on one episode; bootstraps episodes that are cut short"
PLAIN = "takes an episode that is cut short for terminated"
REJAX = (
    "clips each number of a gradient and not its norm, apart for policy and critic; Adam's ε is 1e-8; clips the value "
    "loss; begins with LeCun's weights; takes an episode that is cut short for terminated"
)
SB3 = "gymnasium's worlds, stepped in turn; agents one after the other; bootstraps episodes that are cut short"

WAYS = {
    "regimax": Way("engine_ppo.py", ("--trunk", "shared"), differs=ENGINE),
    "regimax-separate": Way("engine_ppo.py", ("--trunk", "separate"), differs=ENGINE),
    "plain": Way("plain_ppo.py", ("--trunk", "separate"), differs=PLAIN),
    "plain-shared": Way("plain_ppo.py", ("--trunk", "shared"), differs=PLAIN),
    "rejax": Way("rejax_ppo.py", environment="rejax", differs=REJAX),
    "sb3": Way("sb3_ppo.py", environment="sb3", differs=SB3, most_agents=1, worlds=("CartPole-v1",)),
}

PAIRS = (
    ("regimax-separate", "plain", True),
    ("regimax-separate", "rejax", True),
    ("regimax-separate", "sb3", True),
    ("regimax", "plain-shared", True),
    ("regimax", "plain", False),
    ("regimax", "rejax", False),
    ("regimax", "sb3", False),
)
"""What is compared, and whether both have the same trunks."""


def python_of(environment: str | None, cache: Path) -> str:
    """Returns the interpreter of an environment, made when it is not there or its requirements have changed."""
    if environment is None:
        return sys.executable
    folder, wanted = cache / environment, HERE / "requirements" / f"{environment}.txt"
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not installed.is_file() or installed.read_text() != wanted.read_text():
        print(f"installing {environment} into {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True)
        installed.write_text(wanted.read_text())
    return str(python)


def child(way: Way, cache: Path, *options: Any) -> dict[str, Any]:
    """Runs a way in a process of its own and returns what it says."""
    command = [python_of(way.environment, cache), HERE / way.script, *way.options, *options]
    variables = dict(os.environ)
    if way.environment is not None:
        variables.pop("PYTHONPATH", None)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=variables)
    if done.returncode:
        raise SystemExit(f"{way.script} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def ratios(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the ratio of every pair, turn by turn."""
    found = []
    for a, b, equal in PAIRS:
        if a in rows and b in rows:
            each, per_cpu_second = (
                [x[rate] / y[rate] for x, y in zip(rows[a], rows[b], strict=True)]
                for rate in ("median_steps_per_second", "median_steps_per_cpu_second")
            )
            cpu = {"per_cpu_second": spread(per_cpu_second)}
            found.append({"of": a, "to": b, "equal_work": equal} | spread(each) | {"all": each} | cpu)
    return found


def agreement(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Compares the ends of two learning curves by Welch's interval.

    Args:
      a: a point of a curve: the agents' mean return, its standard error, their number.
      b: the other one.

    Returns:
      the difference of the means, its 95% interval, and whether that holds zero.
    """
    difference = a["return"] - b["return"]
    freedom = [point["agents"] - 1 for point in (a, b)]
    if min(freedom) < 1:
        return {"difference": difference, "interval": None, "agrees": None}
    parts = [point["standard_error"] ** 2 for point in (a, b)]
    if sum(parts) == 0.0:
        half = 0.0
    else:
        degrees = sum(parts) ** 2 / sum(part**2 / df for part, df in zip(parts, freedom, strict=True))
        half = float(stats.t.ppf(0.975, degrees)) * math.sqrt(sum(parts))
    return {
        "difference": difference,
        "interval": [difference - half, difference + half],
        "agrees": bool(abs(difference) <= half),
    }


def updates_for(agents: int, steps: int) -> int:
    """Returns updates of each agent that come to about so many steps of all, at least 25 and at most 1,000."""
    return max(25, min(1000, steps // (agents * SETTINGS.steps_per_update)))


def measure_speed(ways: dict[str, Way], agents: int, given: argparse.Namespace) -> dict[str, Any]:
    """Times all ways at a number of agents, in turns."""
    updates = updates_for(agents, given.steps)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name, way in ways.items() if agents <= way.most_agents}
    for turn in range(given.turns):
        for name in rows:
            options = ("--world", given.world, "--agents", agents, "--updates", updates)
            row = child(ways[name], given.cache, *options, "--repetitions", given.repetitions)
            row.pop("training_curve", None)
            rows[name].append(row)
            fast = row["median_steps_per_second"]
            print(f"{agents} agents, turn {turn + 1}: {name} {fast:,.0f} steps/s", flush=True)
    summary = {
        name: {
            "steps_per_second": statistics.median(row["median_steps_per_second"] for row in found),
            "worst_steps_per_second": min(row["worst_steps_per_second"] for row in found),
            "steps_per_cpu_second": statistics.median(row["median_steps_per_cpu_second"] for row in found),
            "compiling": statistics.median(row["compiling"] for row in found),
        }
        for name, found in rows.items()
    }
    for name, found in rows.items():
        if "evaluating" in found[0]:
            shares = [row["evaluating"] / statistics.median(row["seconds"]) for row in found]
            summary[name]["share_of_evaluating"] = statistics.median(shares)
    return {"agents": agents, "updates": updates, "ways": summary, "ratios": ratios(rows), "runs": rows}


def measure_curves(ways: dict[str, Way], given: argparse.Namespace) -> dict[str, Any]:
    """Records the learning curve of every way, and compares their ends."""
    curves: dict[str, Any] = {}
    for name, way in ways.items():
        agents = given.curve_agents if way.most_agents > 1 else min(given.curve_agents, 5)
        options = ("--world", given.world, "--agents", agents, "--updates", given.curve_updates, "--repetitions", 0)
        row = child(way, given.cache, *options, "--evaluations", given.evaluations)
        curves[name] = row["curve"]
        end = curves[name][-1]
        error = "" if end["standard_error"] is None else f" ± {end['standard_error']:.1f}"
        print(f"{name}: return {end['return']:.1f}{error} after {end['steps']:,} steps", flush=True)
    compared = [
        {"of": a, "to": b} | agreement(curves[a][-1], curves[b][-1]) for a, b, _ in PAIRS if a in curves and b in curves
    ]
    return {"updates": given.curve_updates, "curves": curves, "compared": compared}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="CartPole-v1", help="CartPole-v1 or Breakout-MinAtar")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--agents", nargs="*", type=int, default=[1, 16, 64, 256])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=2, help="timed runs in each turn")
    parser.add_argument("--steps", type=int, default=3_000_000, help="environment steps of all agents in a timed run")
    parser.add_argument("--curve-updates", type=int, default=0, help="updates of the learning curves; 0 for none")
    parser.add_argument("--curve-agents", type=int, default=64, help="at most 5 for sb3")
    parser.add_argument("--evaluations", type=int, default=8, help="points of a learning curve; divides its updates")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "regimax" / "peers", help="environments")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.curve_updates % given.evaluations:
        parser.error(f"--evaluations {given.evaluations} does not divide --curve-updates {given.curve_updates}")
    chosen = {name: WAYS[name] for name in given.ways}
    ways = {name: way for name, way in chosen.items() if way.worlds is None or given.world in way.worlds}
    result: dict[str, Any] = {
        "world": given.world,
        "settings": SETTINGS._asdict(),
        "machine": machine(),
        "flags": {name: os.environ.get(name) for name in ("XLA_FLAGS", "JAX_PLATFORMS")},
        "differs": {name: way.differs for name, way in ways.items()},
    }
    if given.curve_updates:
        result["learning"] = measure_curves(ways, given)
    result["speed"] = [measure_speed(ways, agents, given) for agents in given.agents]
    runs = {name: row for speed in result["speed"] for name, rows in speed["runs"].items() for row in rows[:1]}
    result["device"] = {name: row["device"] for name, row in runs.items()}
    result["versions"] = {name: row["versions"] for name, row in runs.items()}
    agrees = {(row["of"], row["to"]): row["agrees"] for row in result.get("learning", {}).get("compared", ())}
    for speed in result["speed"]:
        for row in speed["ratios"]:
            row["counts"] = agrees.get((row["of"], row["to"]))
            mark = {True: "", False: ", does not count: other returns", None: ", learning not compared"}[row["counts"]]
            work = "" if row["equal_work"] else ", other trunks"
            cpu = f"{row['per_cpu_second']['median']:.2f} × per CPU second"
            print(f"{speed['agents']} agents: {row['of']} is {row['median']:.2f} × {row['to']}, {cpu}{work}{mark}")
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
