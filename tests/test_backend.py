"""The backend: devices of a CPU, and threads enough for all of them."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import regimax as rx
from regimax import backend

LAPACK = """
import jax
from flax import nnx

import regimax as rx
from regimax.networks.base import Trunk, with_heads


def network(num_inputs, heads):
    orthogonal = jax.nn.initializers.orthogonal()
    make = lambda rngs: nnx.Linear(num_inputs, 8, kernel_init=orthogonal, rngs=rngs)
    apply = lambda layer, carry, x, first: (carry, layer(x), {})
    return with_heads(Trunk(make, lambda num_envs: (), apply, num_inputs, 8, ("lapack",)), heads)


sweep = rx.Sweep(
    rx.envs.Exemplar(factors=2, values=2, looks=2, dimensions=8),
    [rx.regimes.pure_rl(2, network=network, num_envs=4, evaluate=rx.regimes.Evaluate(2, 4))],
    seeds=16,
)
"""


def test_lapack_on_all_devices_is_refused_where_it_would_wait_for_ever_and_runs_with_a_thread_more(tmp_path):
    bare = {name: value for name, value in os.environ.items() if name != "NPROC"}
    bare["XLA_FLAGS"] = backend.UNOPTIMIZED  # as other tests compile
    (tmp_path / "lapack.py").write_text(LAPACK)

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "regimax", "run", "lapack.py", "--devices", "2"]
        return subprocess.run(command, env=bare | more, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    refused = run()
    assert refused.returncode == 2
    assert "the phase 'rl' calls LAPACK" in refused.stderr
    assert "NPROC=3" in refused.stderr
    assert "16 cells" in run(NPROC="3").stdout


def test_a_second_call_before_anything_is_computed_counts():
    code = "import jax, os, regimax as rx; rx.prepare_cpu(3); rx.prepare_cpu(1); print(jax.device_count(), os.environ"
    code += "['NPROC'])"
    bare = {name: value for name, value in os.environ.items() if name not in ("NPROC", "XLA_FLAGS")}
    for env, pool in ((bare, "1"), (bare | {"NPROC": "4"}, "4")):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["1", pool]


def test_no_devices_are_refused():
    with pytest.raises(rx.UserError, match="devices = 0 is below 1"):
        rx.prepare_cpu(0)


def test_what_was_compiled_is_kept_in_a_folder_of_the_user_unless_jax_is_told_otherwise(tmp_path):
    code = "import jax, regimax.backend as b; b.use_compilation_cache(); print(jax.config.jax_compilation_cache_dir,"
    code += "jax.config.jax_persistent_cache_min_compile_time_secs)"
    names = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
    bare = {name: value for name, value in os.environ.items() if name not in names}
    others = dict(zip(names, ("mine", "0"), strict=True))
    for more, folder, seconds in (({}, tmp_path / "regimax" / "xla", "0.2"), (others, Path("mine"), "0.0")):
        env = bare | {"XDG_CACHE_HOME": str(tmp_path)} | more
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found = done.stdout.split()
        assert (Path(found[0]), found[1]) == (folder, seconds)


@pytest.mark.versions
def test_draws_without_loops_are_the_same_bits():
    """In a process of its own each: what is lowered is decided once."""
    script = (
        "import sys, jax, numpy as np\n"
        "from regimax.backend import draw_without_loops\n"
        "assert sys.argv[1] == 'as it comes' or draw_without_loops()\n"
        "draw = jax.jit(lambda k: (jax.random.bits(k, (7, 3)), jax.random.normal(jax.random.fold_in(k, 5), (11,))))\n"
        "print('while' in draw.lower(jax.random.key(0)).as_text())\n"
        "print([np.asarray(x).tobytes().hex() for x in draw(jax.random.key(3))])\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", script, way], check=True, capture_output=True, text=True).stdout.split(
            "\n"
        )
        for way in ("as it comes", "without loops")
    ]
    assert [lines[0] for lines in told] == ["True", "False"]
    assert told[0][1] == told[1][1]


@pytest.mark.versions
def test_the_rounds_of_a_draw_are_traced_once_for_all_programs_and_lowered_as_jax_does():
    script = (
        "import functools, jax\n"
        "from regimax import backend\n"
        "from jax._src.interpreters import mlir\n"
        "module, traced = backend._threefry(), []\n"
        "jaxs = module._threefry2x32_lowering\n"
        "def rounds(*args, **options):\n"
        "    traced.append(options)\n"
        "    return jaxs(*args, **options)\n"
        "def lowered(axis):\n"
        "    def draw(k):\n"
        "        return jax.random.bits(k, (7, 3)).sum(axis), jax.random.fold_in(k, 5)\n"
        "    return jax.jit(draw).lower(jax.random.key(0)).as_text()\n"
        "def plain():\n"
        "    rule = mlir.lower_fun(functools.partial(jaxs, use_rolled_loops=False), multiple_results=True)\n"
        "    mlir.register_lowering(module.threefry2x32_p, rule, platform='cpu')\n"
        "module._threefry2x32_lowering = rounds\n"
        "assert backend.draw_without_loops()\n"
        "found, times = [], []\n"
        "for axis in (0, 1):\n"
        "    found.append(lowered(axis))\n"
        "    times.append(len(traced))\n"
        "plain()\n"
        "print(times[0] > 0, times[1] - times[0], found == [lowered(0), lowered(1)], found[0] == found[1])\n"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["True", "0", "True", "False"]


@pytest.mark.versions
@pytest.mark.parametrize("flags", ["", backend.UNOPTIMIZED], ids=["optimised", "as it comes"])
def test_draws_keep_their_loops_where_the_expression_takes_longer_to_compile(flags):
    script = (
        "import jax, regimax\n"
        "regimax.prepare_cpu(1)\n"
        "print('while' in jax.jit(jax.random.bits).lower(jax.random.key(0)).as_text())\n"
    )
    env = os.environ | {"XLA_FLAGS": flags}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=env)
    assert done.stdout.split() == [str(bool(flags) or jax.__version_info__ >= (0, 11))]


@pytest.mark.versions
def test_where_jax_has_other_names_draws_stay_as_they_are(monkeypatch):
    monkeypatch.delattr(backend._threefry(), "_threefry2x32_lowering")
    assert backend.draw_without_loops() is False


def test_no_process_takes_itself_for_a_part_of_a_larger_one(monkeypatch):
    from jax._src import clusters

    def found():
        kinds = (clusters.SlurmCluster, clusters.OmpiCluster)
        return [kind.name for kind in kinds if kind.is_env_present()]

    begun_by_srun = {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_NODELIST": "node[1-4]",
        "SLURM_NTASKS": "4",
        "SLURM_PROCID": "3",
        "SLURM_LOCALID": "0",
        "OMPI_MCA_orte_hnp_uri": "1.0;tcp://10.0.0.1:1",
    }
    for name, value in begun_by_srun.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert found() == ["slurm", "ompi"]
    backend.forget_the_cluster()
    assert found() == []
    assert not clusters.K8sCluster.is_env_present()
    assert os.environ["SLURM_JOB_ID"] == "7"


def test_no_operation_is_cut_into_as_many_pieces_as_there_are_devices():
    """Pieces are rounded otherwise: results would depend on the number of devices."""
    x = jax.numpy.ones((64, 4096))
    assert len(jax.devices()) > 1
    text = jax.jit(lambda x: jax.numpy.tanh(x * 2.0 + 1.0)).lower(x).compile().as_text()
    assert "outer_dimension_partitions" not in text


def test_passes_that_the_user_leaves_out_are_left_out_too():
    assert backend._flags("--a=1 --xla_disable_hlo_passes=one,two").split() == [
        "--a=1",
        *(f"{flag}=false" for flag in backend.FLAGS),
        "--xla_disable_hlo_passes=one,two,cpu-parallel-task-assigner",
    ]
    again = backend._flags(backend._flags(""))
    assert again == backend._flags("")
