"""On a machine with jax, flax, optax, chex, orbax and small packages alone, `regimax bench` runs all the same."""

import subprocess
import sys

BLOCKED = ("polars", "plotly", "scipy", "gymnax", "gymnasium", "matplotlib", "pandas", "seaborn")
SCRIPT = """
import os, sys
for name in {blocked!r}:
    sys.modules[name] = None
from regimax.backend import UNOPTIMIZED
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" {{UNOPTIMIZED}}"
from regimax.bench import ceilings
from regimax.bench.workloads import WORKLOADS, Workload
ceilings.REPETITION_SECONDS = 0.001
ceilings.kernels = lambda platform, block, devices: [
    ceilings.product(8, 1, "float32"), ceilings.small_products(1, 1), ceilings.memory(64)
]

def tiny():
    import regimax as rx
    evaluate = rx.regimes.Evaluate(every=2, episodes=4)
    regime = rx.regimes.pure_rl(updates=8, network=rx.networks.mlp((4,)), num_envs=4, evaluate=evaluate)
    return regime, rx.envs.Exemplar(factors=2, values=2, looks=2, dimensions=4)

kept = ("ppo-cartpole", "ppo-breakout", "sweep-flagship")
for name in [name for name in WORKLOADS if name not in kept]:
    del WORKLOADS[name]
WORKLOADS["tiny"] = Workload("tiny", 1, "a tiny one", tiny)
from regimax.cli import main
sys.exit(main({typed!r}))
"""


def typed(*arguments):
    script = SCRIPT.format(blocked=BLOCKED, typed=["bench", *arguments])
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_what_needs_no_other_package_is_measured_and_the_rest_is_named():
    done = typed("--all", "--widths", "8", "--repetitions", "1", "--devices", "1", "--json", "found.json")
    assert done.returncode == 0, done.stderr
    assert "tiny version 1" in done.stdout
    for name, package in (("ppo-cartpole", "gymnax"), ("ppo-breakout", "gymnax"), ("sweep-flagship", "polars")):
        [line] = [line for line in done.stderr.splitlines() if line.startswith(f"{name} is left out: ")]
        assert package in line
        assert "pip install" in line


def test_what_is_asked_for_by_name_and_needs_one_is_an_error_of_a_line():
    for arguments, package in ((("ppo-cartpole",), "gymnax"), (("tiny", "--plot", "page.html"), "plotly")):
        done = typed(*arguments)
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert package in line
        assert "pip install" in line
