"""A plan's programs on a chip that is not there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import regimax as rx
from regimax.cli import main
from regimax.sweep import block, target
from regimax.sweep.lanes import Memory
from regimax.sweep.plan import make_plan
from regimax.targets import Chip, chips

SWEEP = '''"""The smallest there is."""
import regimax as rx
sweep = rx.Sweep(
    world=rx.envs.Lock(depth=2, actions=2),
    regimes=[rx.regimes.pure_rl(4, network=rx.networks.mlp((2,)), num_envs=2, evaluate=rx.regimes.Evaluate(2, 2))],
    seeds=3,
)
'''
H200 = Chip("NVIDIA H200 141GB HBM3e", "cuda", SimpleNamespace(platform="gpu"), 150 * 10**9, 2.5e-6)
TEXT = """
%turn (x: f32[2]) -> f32[2] {
  %x = f32[2] parameter(0)
  ROOT %y = f32[2] fusion(%x), kind=kLoop, calls=%f
}
ENTRY %main (x: f32[2]) -> f32[2] {
  %x = f32[2] parameter(0)
  %z = f32[2] while(%x), condition=%c, body=%turn, backend_config={"known_trip_count":{"n":"100"}}
  ROOT %c = f32[2] copy(%z)
}
"""


@pytest.fixture
def spec():
    Path("small.py").write_text(SWEEP)
    return "small.py"


@pytest.fixture
def asked(monkeypatch):
    """What is compiled, by block; a lane takes 1 MB of state and 4 MB besides, and 101 kernels a tick of 2 updates."""
    blocks = []

    def compile_all(engine, chip):
        blocks.append(engine.block)
        mega = 10**6 * engine.block
        memory = SimpleNamespace(
            argument_size_in_bytes=mega, temp_size_in_bytes=3 * mega, output_size_in_bytes=2 * mega,
            alias_size_in_bytes=mega,
        )  # fmt: skip
        return {"advance": SimpleNamespace(memory_analysis=lambda: memory, as_text=lambda: TEXT)}

    monkeypatch.setattr(target, "_compile_all", compile_all)
    return blocks


def small(seeds):
    evaluate = rx.regimes.Evaluate(2, 2)
    regime = rx.regimes.pure_rl(4, network=rx.networks.mlp((2,)), num_envs=2, evaluate=evaluate)
    return make_plan(rx.Sweep(world=rx.envs.Lock(depth=2, actions=2), regimes=[regime], seeds=seeds))


def test_what_is_said_of_a_program(asked):
    facts = target.Ahead(H200).summary(small(3))
    assert (facts["chip"], facts["memory_bytes"], facts["launch_seconds"]) == (H200.name, H200.memory, 2.5e-6)
    [program] = facts["programs"]
    assert asked == [4]  # three stages, and the least power of two that holds them
    assert (program["phase"], program["stages"], program["lanes"]) == ("rl", 3, 3)
    assert (program["compiles"], program["problem"], program["fits"]) == (True, None, True)
    assert (program["state_bytes_per_lane"], program["temporary_bytes_per_lane"]) == (1e6, 4e6)
    assert program["kernels_per_update"] == 101 / 2
    assert program["kernels_per_tick"] == {"loop fusion": 100, "copy": 1}
    steps = program["steps_per_update"]
    assert (steps, program["steps_are"]) == (2 * 2, "environment")
    assert program["steps_per_second_at_most"] == pytest.approx(3 * steps / (101 / 2 * 2.5e-6))


def test_a_block_is_as_large_as_pays_and_two_of_them_are_in_flight(asked):
    [program] = target.Ahead(H200).summary(small(5000))["programs"]
    assert asked == [2048]
    assert (program["block"], program["lanes"]) == (2048, 4096)


def test_a_block_that_does_not_fit_is_halved(asked):
    little = H200._replace(memory=2 * 10**9)
    [program] = target.Ahead(little).summary(small(3000))["programs"]
    # By the states' size, then as it was compiled: of 0.8 × 2 GB what two ticks of 128 lanes need, 4 MB each, leaves
    # room for four times their 1 MB, one of them prepared.
    assert asked == [2048, 128]
    assert (program["block"], program["lanes"], program["fits"]) == (128, 3 * 128, True)


def test_it_names_the_block_and_the_stages_of_a_run(asked, tiny):
    plan = make_plan(tiny(seeds=40))
    at_once = block.at_once(plan, [list(plan.stages)])
    little = H200._replace(memory=3 * 10**8)
    lane = Memory(10**6, 4 * 10**6)  # as compiled
    for program in target.Ahead(little).summary(plan)["programs"]:
        stages = at_once[program["program"]]
        assert program["stages"] == stages
        assert program["block"] == block.choose_block("gpu", stages, 1, lane, little.memory)


def test_what_is_too_much_for_the_compiler_is_halved(monkeypatch):
    tried = []

    def full(engine, chip):
        tried.append(engine.block)
        raise RuntimeError("RESOURCE_EXHAUSTED: too much")

    monkeypatch.setattr(target, "_compile_all", full)
    [program] = target.Ahead(H200).summary(small(3))["programs"]
    assert tried == [4, 2, 1]
    assert (program["block"], program["compiles"]) == (1, False)


def test_a_block_that_was_asked_for_stays_and_is_told_where_it_does_not_fit(asked):
    ahead = target.Ahead(H200._replace(memory=10**8), block=64)
    plan = small(3)
    facts = ahead.summary(plan)
    assert ahead.summary(plan) == facts
    assert asked == [64]  # once
    [program] = facts["programs"]
    assert program["problem"] == "needs 384 MB of memory; the chip has 100 MB"
    assert "rl: needs 384 MB" in target.target_text(facts)


def test_what_does_not_compile_is_told(monkeypatch):
    def broken(engine, chip):
        raise NotImplementedError("no rule for 'own_primitive'\nand much more")

    monkeypatch.setattr(target, "_compile_all", broken)
    facts = target.Ahead(H200).summary(small(3))
    [program] = facts["programs"]
    assert (program["compiles"], program["problem"]) == (False, "no rule for 'own_primitive'")
    text = target.target_text(facts)
    assert "rl: no rule for 'own_primitive'" in text
    assert any(line.split()[:2] == ["rl", "no"] for line in text.splitlines())


def test_for_people_it_is_a_table_of_100_columns(asked):
    ahead = target.Ahead(H200)
    text = target.target_text(ahead.summary(small(5000)))
    assert max(map(len, text.splitlines())) <= 100
    row = next(line for line in text.splitlines() if "4,096" in line)
    assert row.split() == ["rl", "in", "0", "s", "2,048", "4,096", "1", "MB", "4", "MB", "50", "64.9", "M", "steps/s"]
    assert "a bound from above and no prediction" in " ".join(text.split())


BAD = [
    (["--target", "h20"], r"unknown target 'h20'. Did you mean 'h200'\?"),
    (["--target", "h200"], r"needs NVIDIA's compiler, which is not installed here: pip install 'regimax\[gpu\]'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_what_cannot_be_planned_is_one_sentence(spec, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(chips, "installed", lambda *args: False)
    assert main(["plan", spec, *arguments]) == 2
    out, err = capsys.readouterr()
    assert re.search(message, err)
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_a_program_that_does_not_fit_ends_with_1(spec, monkeypatch, capsys, asked):
    monkeypatch.setattr("regimax.targets.chip", lambda name: H200._replace(memory=10**6))
    assert main(["plan", spec, "--target", "h200", "--block", "8", "--json"]) == 1
    out, err = capsys.readouterr()
    [program] = json.loads(out)["target"]["programs"]
    assert program["problem"].startswith("needs 48 MB")
    assert err == "compiling rl for 8 lanes\n"


def test_a_tpu_launches_nothing(asked):
    facts = target.Ahead(H200._replace(name="TPU v5 lite", platform="tpu", launch_seconds=None)).summary(small(3))
    assert not {"kernels_per_update", "steps_per_second_at_most"} & facts["programs"][0].keys()
    text = target.target_text(facts)
    assert not re.search("at most|kernels", text)
    assert next(line for line in text.splitlines() if line.startswith("  rl")).split()[-4:] == ["1", "MB", "4", "MB"]


def compiled(spec, name):
    command = [sys.executable, "-m", "regimax", "plan", spec, "--target", name, "--json"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stderr == "compiling rl for 4 lanes\n"
    [program] = json.loads(found.stdout)["target"]["programs"]
    assert (program["compiles"], program["problem"]) == (True, None)
    return program


@pytest.mark.skipif(not chips.installed("jax_plugins", chips.PLUGINS), reason="NVIDIA's compiler is not installed")
def test_it_compiles_for_an_h200(spec):
    program = compiled(spec, "h200")
    assert program["open_loops"] == 0
    assert program["kernels_per_update"] > 10
    assert program["steps_per_second_at_most"] > 1000


@pytest.mark.skipif(not chips.installed("libtpu"), reason="libtpu is not installed")
def test_it_compiles_for_a_tpu(spec):
    assert compiled(spec, "v5e")["temporary_bytes_per_lane"] > 0
