"""What a part was computed under stands beside it, and going on under something else is asked for."""

from pathlib import Path

import jax
import pytest

import regimax as rx
from regimax import report
from regimax.cli import main
from regimax.sweep import environment, loaded, rundir, store, table
from regimax.sweep import run as module
from regimax.sweep.plan import make_plan
from regimax.sweep.run import Options, execute

from .conftest import Crash, Silent, small_plan
from .test_crash import Twice, contents

OUT = Path("run")
FACTS = {"name": "small", "command": "", "set": [], "seeds_given": None}


@pytest.fixture(autouse=True)
def _few_commits(monkeypatch, compiled_once):
    monkeypatch.setattr(module, "_Clock", Twice)


def go(display=None, **more):
    return execute(small_plan(), OUT, Options(devices=1, facts=FACTS, **more), display or Silent())


@pytest.fixture
def under(monkeypatch):
    """Has everything that follows run under an environment that differs from this one."""
    real = environment.current

    def change(**changes):
        monkeypatch.setattr(environment, "current", lambda device: real(device) | changes)

    return change


def test_it_says_what_numbers_may_depend_on(monkeypatch):
    device = jax.devices()[0]  # first: XLA ends a process that starts with flags it does not know
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_x=1 --xla_force_host_platform_device_count=4 --xla_dump_to=d --xla_a=b")
    found = environment.current(device)
    assert set(found) == {"regimax", "jax", "jaxlib", "device", "options"}
    assert environment.among(found, [found | {"jax": "9.9"}, found | {"optimization": "quick"}])
    assert not environment.among(found, [found | {"jax": "9.9"}])
    assert found["jax"] == jax.__version__
    assert "CPU" in found["device"]
    assert found["options"].startswith("--xla_a=b --xla_gpu_x=1")
    assert "dump" not in found["options"]
    assert "device_count" not in found["options"]


CHANGES = {"jax": "9.9", "jaxlib": "9.8", "regimax": "9.7", "device": "abacus", "options": "--xla_fast=true"}


@pytest.mark.parametrize("name", CHANGES)
def test_going_on_under_another_environment_is_refused_with_the_difference(under, name):
    with pytest.raises(ConnectionError):
        go(Crash(3))
    before = contents()
    under(**{name: CHANGES[name]})
    with pytest.raises(
        rx.UserError, match=rf"another environment: {name} was .*, is {CHANGES[name]}.*--accept-versions"
    ):
        go()
    assert contents() == before


def test_where_it_is_accepted_the_table_and_the_report_say_so(under, capsys):
    with pytest.raises(ConnectionError):
        go(Crash(3))
    go_on = {"jax": "9.9"}
    under(**go_on)
    go(accept_versions=True)
    manifest = store.newest_manifest(OUT)
    assert [one["jax"] for one in manifest["environments"]] == [jax.__version__, "9.9"]
    assert {part["environment"] for kind in store.PARTS for part in manifest[kind].values()} == {0, 1}
    cells = table.cell_table(OUT)
    assert set(cells["computed_under"]) == {f"jax {jax.__version__} + jax 9.9"}
    assert go().already
    assert main(["table", str(OUT), "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert "computed_under" in out.splitlines()[0]
    assert f"computed under several environments: first jax {jax.__version__}, then jax 9.9" in err
    html = report.write_report(OUT).read_text()
    assert f"first jax {jax.__version__}, then jax 9.9" in html


def test_what_was_accepted_once_need_not_be_again(under):
    with pytest.raises(ConnectionError):
        go(Crash(1))
    under(jax="9.9")
    with pytest.raises(ConnectionError):
        go(Crash(3), accept_versions=True)
    go()
    assert set(table.cell_table(OUT)["status"]) == {"done"}


def test_a_finished_run_is_finished_under_any_environment(under):
    go()
    assert "computed_under" not in table.cell_table(OUT).columns
    under(jax="9.9")
    assert go().already


def test_damage_in_a_finished_run_is_not_mended_under_another_environment_unasked(under):
    go()
    right = table.cell_table(OUT)
    part = sorted((OUT / store.CURVES).iterdir())[-1]
    part.write_bytes(part.read_bytes()[:-1])
    under(jax="9.9")
    with pytest.raises(rx.UserError, match="jax was"):
        go()
    go(accept_versions=True)
    found = table.cell_table(OUT)
    assert "jax 9.9" in "".join(found["computed_under"])
    assert found.drop("computed_under").equals(right, null_equal=True)


def test_identities_of_the_run_are_taken_over_where_another_environment_is_accepted(under):
    """Under other versions a program may have another identity; only then, and only if asked, the run's own stand."""
    go()
    here = environment.current(jax.devices()[0])
    other = here | {"jax": "9.9"}
    recorded = rundir.programs(OUT, lambda: other, accepted=True)
    ids = [phase["program"] for phase in small_plan().resolved["regimes"]["pretrain_rl"]]
    assert recorded == {"pretrain_rl": ids}
    assert rundir.programs(OUT, lambda: other, accepted=False) == {}
    assert rundir.programs(OUT, lambda: here, accepted=True) == {}
    assert rundir.programs(Path("nowhere"), lambda: other, accepted=True) == {}
    renamed = make_plan(small_plan().sweep, {"pretrain_rl": ["a" * 16, "b" * 16]})
    assert list(renamed.programs) == ["a" * 16, "b" * 16]
    assert set(make_plan(renamed.sweep, recorded).stages) == set(small_plan().stages)
    assert not set(renamed.stages) & set(small_plan().stages)


def test_what_the_compiler_was_asked_for_stays_even_where_sweep_json_is_gone():
    with pytest.raises(ConnectionError):
        go(Crash(3))
    assert {one["optimization"] for one in store.newest_manifest(OUT)["environments"]} == {"none"}
    assert rundir.optimization(OUT) == "none"
    (OUT / store.SWEEP).unlink()
    assert rundir.optimization(OUT) == "none"
    assert rundir.optimization(Path("nowhere")) is None


def test_learners_of_another_environment_are_had_when_asked_for(under, monkeypatch):
    plan = small_plan(keep=True)
    execute(plan, OUT, Options(devices=1, facts=FACTS), Silent())
    under(jax="9.9")
    known, given = rx.load_run(OUT).cells["cell"][0], plan.sweep
    other = {"pretrain_rl": ["a" * 16, "b" * 16]}  # what the programs are called under those versions
    monkeypatch.setattr(loaded, "make_plan", lambda sweep, own, links: make_plan(sweep, own or other, links))
    with pytest.raises(rx.UserError, match=r"another environment: jax was .*accept_versions=True"):
        rx.load_run(OUT, given).agent(known)
    assert rx.load_run(OUT, given, accept_versions=True).agent(known).params
