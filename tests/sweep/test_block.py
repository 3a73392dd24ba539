"""How many lanes a block has: chosen when a run begins, and kept."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import regimax as rx
from regimax.cli import main
from regimax.sweep import block, engines, rundir, store, table
from regimax.sweep.lanes import Memory, bytes_per_lane
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute
from regimax.sweep.width import blocks_in

from .conftest import Crash, Silent, make_tiny, small_plan

OUT = Path("run")
LANE, ROOMY = Memory(resident=100_000, temporary=1_400_000), 140 * 10**9


@pytest.mark.parametrize(
    ("stages", "devices", "lanes"),
    [(1, 1, 1), (2, 1, 2), (3, 1, 4), (512, 1, 512), (513, 1, 1024), (513, 2, 512), (9, 8, 2), (2048, 1, 2048),
     (2049, 1, 2048), (10**6, 1, 2048), (10**6, 8, 2048)],
)  # fmt: skip
def test_a_block_holds_what_can_run_at_once_on_a_device_up_to_the_knee(stages, devices, lanes):
    for platform in ("gpu", "cuda", "rocm", "tpu"):
        assert block.choose_block(platform, stages, devices, LANE, ROOMY) == lanes
    assert block.choose_block("cpu", stages, devices, LANE, ROOMY) == 8


@pytest.mark.parametrize(("knee", "lanes"), [(1, 1), (300, 256), (512, 512), (8192, 8192), (10**6, 16_384)])
def test_a_knee_that_was_measured_bounds_it_instead(knee, lanes):
    assert block.choose_block("gpu", 16_000, 1, LANE, ROOMY, knee) == lanes


@given(
    stages=st.integers(1, 10**6),
    devices=st.integers(1, 64),
    resident=st.integers(1, 10**8),
    temporary=st.integers(0, 10**8),
    free=st.integers(1, 10**12),
    knee=st.integers(1, 10**5),
)
def test_of_the_powers_of_two_it_is_the_largest_that_is_of_use_and_of_which_two_fit(
    stages, devices, resident, temporary, free, knee
):
    found = block.choose_block("gpu", stages, devices, Memory(resident, temporary), free, knee)

    def allowed(lanes):
        return lanes <= knee and blocks_in(Memory(lanes * resident, lanes * temporary), free) >= 2

    assert found.bit_count() == 1
    assert found == 1 or (allowed(found) and found < 2 * math.ceil(stages / devices))
    assert found >= math.ceil(stages / devices) or not allowed(2 * found)


@pytest.mark.parametrize("wrong", [2.5, "atuo", None])
def test_what_is_no_block_is_told_with_what_is(tiny, wrong):
    with pytest.raises(rx.UserError, match=rf"block = {wrong!r} is neither a whole number above 0 nor 'auto'"):
        make_plan(tiny(block=wrong))


def tree(*stages):
    """A plan of stages given as (id, program, parent)."""
    made = {name: SimpleNamespace(id=name, program=program, parent=parent) for name, program, parent in stages}
    return SimpleNamespace(stages=made)


def test_stages_that_begin_from_one_another_cannot_run_at_once():
    # One pretraining in two links, from each of which two go on; then one more, of the same program as the first.
    stages = [("a", "pre", None), ("b", "pre", "a"), ("c", "rl", "a"), ("d", "rl", "a"), ("e", "rl", "b")]
    assert block.at_once(tree(*stages), [list("abcde")]) == {"pre": 1, "rl": 3}
    stages += [("f", "pre", "c"), ("g", "pre", "d"), ("h", "rl", "f")]
    assert block.at_once(tree(*stages), [list("abcdefgh")]) == {"pre": 3, "rl": 3}


def test_what_runs_in_another_wave_does_not_run_at_once():
    stages = [("a", "pre", None), ("b", "rl", "a"), ("c", "rl", "a"), ("d", "pre", None), ("e", "rl", "d")]
    assert block.at_once(tree(*stages), [list("abc"), list("de")]) == {"pre": 1, "rl": 2}
    assert block.at_once(tree(*stages), [list("abcde")]) == {"pre": 2, "rl": 3}


class Device:
    """An accelerator, as far as it is asked."""

    platform = "gpu"

    def __init__(self, free=ROOMY):
        self.free = free

    def memory_stats(self):
        return {"bytes_limit": self.free + 7, "bytes_in_use": 7}


def test_before_anything_is_compiled_the_size_of_the_states_counts(tiny):
    plan = make_plan(tiny())
    stages = block.at_once(plan, [list(plan.stages)])
    assert [*stages.values()].count(18) == 1
    for devices in (1, 2):
        expected = {name: block.choose_block("gpu", n, devices, LANE, ROOMY) for name, n in stages.items()}
        assert block.planned(plan, stages, [Device()] * devices) == expected
    # Two blocks and a prepared one of the larger program's size.
    size = max(map(bytes_per_lane, plan.programs.values()))
    assert set(block.planned(plan, stages, [Device(4 * 3 * size / 0.8 + size)]).values()) == {4}
    assert set(block.planned(make_plan(tiny(block=5)), stages, [Device()]).values()) == {5}


class Compiled:
    """Makes engines of a program on an accelerator, and remembers of which size."""

    def __init__(self, free, resident, temporary):
        self.devices, self.memory_of, self.made = [Device(free)], (resident, temporary), []

    def __call__(self, lanes):
        self.made.append(lanes)
        resident, temporary = self.memory_of
        memory = Memory(resident(lanes), temporary(lanes))
        return SimpleNamespace(devices=self.devices, memory=lambda: memory, prepare=lambda *names: None)


def test_what_the_compiler_plans_has_the_last_word():
    roomy = Compiled(ROOMY, lambda n: 10**5 * n, lambda n: 10**6 * n)
    assert block.fitted(2048, 2000, roomy) == 2048
    assert roomy.made == [2048]  # the one that runs: nothing is compiled in vain
    # Three times 0.1 MB and two times 1 MB a lane, in 0.8 of the memory.
    tight = Compiled(10**9, lambda n: 10**5 * n, lambda n: 10**6 * n)
    assert block.fitted(2048, 2000, tight) == 256
    assert tight.made == [2048, 256]
    # Memory that does not go down with the block is seen when the smaller one is compiled.
    stubborn = Compiled(10**9, lambda n: 10**5 * n, lambda n: 10**6 * n + 2 * 10**8)
    assert block.fitted(2048, 2000, stubborn) == stubborn.made[-1] == 128
    hopeless = Compiled(1000, lambda n: 10**9, lambda n: 10**9)
    assert block.fitted(2048, 2000, hopeless) == 1


def test_on_an_accelerator_only_what_is_new_is_chosen(tiny):
    plan = make_plan(tiny())
    old, new = plan.programs
    made = []

    def engine(program, lanes):
        made.append((program, lanes))
        return Compiled(10**9, lambda n: 10**5 * n, lambda n: 10**6 * n)(lanes)

    stages = {old: 4000, new: 3000}
    assert block.of_run(plan, {old: 16, "gone": 4}, stages, [Device(10**9)], engine) == {old: 16, "gone": 4, new: 256}
    assert {program for program, _ in made} == {new}
    asked = make_plan(tiny(block=32))
    assert set(block.of_run(asked, {}, stages, [Device(10**9)], engine).values()) == {32}
    assert len({lanes for _, lanes in made}) == 2  # as planned by the states' size, and as fitted


@pytest.mark.parametrize("share", [0.0, 0.4, 3.0])
def test_memory_is_used_as_the_compiler_plans_it_whatever_share_of_it_is_no_state(tiny, share):
    """Of large states, which leave room for few lanes, as of small ones."""
    plan = make_plan(tiny())
    sizes = {name: bytes_per_lane(program) for name, program in plan.programs.items()}
    free = 70 * max(sizes.values())

    def engine(program, lanes):
        return Compiled(free, lambda n: n * sizes[program], lambda n: int(n * share * sizes[program]))(lanes)

    stages = dict.fromkeys(plan.programs, 4000)
    most = {n: block.choose_block("gpu", 4000, 1, Memory(s, int(share * s)), free) for n, s in sizes.items()}
    assert block.of_run(plan, {}, stages, [Device(free)], engine) == most


@pytest.fixture
def chosen(monkeypatch):
    """Has what can run at once decide on a CPU too; says which blocks were made into engines."""
    used, make = [], engines.engine

    def choose(size):
        monkeypatch.setattr(block, "choose_block", lambda platform, stages, *rest: size(stages))

    def recorded(identity, program, lanes, *rest):
        used.append((identity, lanes))
        return make(identity, program, lanes, *rest)

    monkeypatch.setattr("regimax.sweep.run.engine", recorded)
    choose.used = used
    return choose


def go(plan, display=None, out=OUT, **more):
    return execute(plan, out, Options(devices=1, facts={"set": [], "seeds_given": None}, **more), display or Silent())


def test_every_program_has_its_own_and_a_run_keeps_what_it_began_with(chosen):
    plan = small_plan()  # 4 trainings that begin from one pretraining
    pretrain, rl = (phase["program"] for phase in plan.resolved["regimes"]["pretrain_rl"])
    expected = {pretrain: 2, rl: 4}
    chosen(lambda stages: 2 if stages == 1 else 4)
    go(plan, out=Path("whole"))
    with pytest.raises(ConnectionError):
        go(plan, Crash(5), checkpoint_seconds=0)
    assert json.loads((OUT / store.SWEEP).read_text())["blocks"] == expected
    manifest = store.newest_manifest(OUT)
    assert manifest["blocks"] == expected == rundir.blocks(OUT)
    assert {n for kind in store.PARTS for part in manifest[kind].values() for n in part["blocks"]} == {2, 4}
    (OUT / store.SWEEP).unlink()  # the manifest knows too
    assert rundir.blocks(OUT) == expected
    chosen(lambda stages: 16)
    chosen.used.clear()
    go(plan)
    assert chosen.used
    assert set(chosen.used) <= set(expected.items())
    assert rundir.blocks(OUT) == expected
    for read in (table.cell_table, table.cell_curves, table.cell_probes):
        assert read(OUT).equals(read(Path("whole")), null_equal=True)
    assert rundir.blocks(Path("nowhere")) == {}


def test_a_run_that_is_extended_keeps_them_and_chooses_for_what_is_new(chosen):
    first, second = make_tiny().regimes[:2]
    few = {"axes": {}, "seeds": 2, "optimization": "none"}
    chosen(lambda stages: 4)
    go(make_plan(make_tiny(regimes=[first], **few)))
    before = rundir.blocks(OUT)
    assert [*before.values()] == [4]
    chosen(lambda stages: 2)
    plan = make_plan(make_tiny(regimes=[first, second], **few | {"seeds": 3}))
    go(plan, extend=True)
    assert rundir.blocks(OUT) == {name: before.get(name, 2) for name in plan.programs}
    assert "computed_under" not in table.cell_table(OUT).columns
    assert go(plan).already


FILE = """
import regimax as rx
o = {"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}
sweep = rx.Sweep(world=rx.envs.Cipher(symbols=3, skills=2, length=2), regimes=[rx.regimes.pure_rl(updates=2, **o)],
    seeds=3, keep_params=True)
"""


def test_the_command_line_sets_it(capsys):
    Path("tiny.py").write_text(FILE)
    assert main(["plan", "tiny.py"]) == 0
    assert "3 stages, 6 updates, in blocks of 8 lanes" in capsys.readouterr().out
    assert main(["plan", "tiny.py", "--block", "512", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["block"], found["width"], found["phases"]["rl"]["block"]) == (512, 512, 512)
    assert main(["run", "tiny.py", "--block", "4"]) == 0
    run = rx.load_run("runs/tiny")
    assert run.sweep.block == 4
    assert run.agent(run.cells["cell"][0]).params
    assert set(rundir.blocks(run.path).values()) == {4}
    assert main(["run", "tiny.py"]) == 2
    assert "holds another sweep: block was 4, is auto" in capsys.readouterr().err
