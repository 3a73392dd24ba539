"""What the workloads launch on a GPU that need not be there, for an update of 2,048 lanes."""

import subprocess
import sys

import pytest

from regimax.targets import chips

AT_MOST = {"ppo-cartpole": 2500, "cipher-rl": 200, "cipher-pretrain": 110, "exemplar-rl": 50}
"""Kernels of an update, its share of the evaluation included. Each moves by a few with the version of XLA."""

ASK = """
import sys
import jax
from jax.sharding import SingleDeviceSharding
from regimax.bench.workloads import WORKLOADS
from regimax.regimes import bind_regime
from regimax.sweep.executables import compiled
from regimax.sweep.lanes import Engine
from regimax.targets import chip, launches

workload, h200 = WORKLOADS[sys.argv[1]], chip("h200")
program = bind_regime(*workload.make()).programs[workload.phase]
engine = Engine(program, 2048, [h200.device])
advance = engine.functions["advance"]
there = SingleDeviceSharding(h200.device)
shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=there), advance.shapes())
lowered = jax.jit(advance.call, donate_argnums=advance.donate).trace(*shapes).lower(lowering_platforms=("cuda",))
text = compiled(lowered, engine.options["advance"]).as_text()
print(launches(text).total / program.phase.evaluate.every)
"""


@pytest.mark.skipif(not chips.installed("jax_plugins", chips.PLUGINS), reason="NVIDIA's compiler is not installed")
@pytest.mark.parametrize("name", AT_MOST)
def test_an_update_launches_few_kernels(name):
    if name.startswith("ppo"):
        pytest.importorskip("gymnax")
    found = subprocess.run([sys.executable, "-c", ASK, name], capture_output=True, text=True, check=True)
    assert float(found.stdout.split()[-1]) <= AT_MOST[name]
