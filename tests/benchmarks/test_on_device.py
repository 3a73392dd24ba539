"""What is to be measured on an accelerator runs in miniature; a part that fails or takes too long costs no other."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
TOY = """
import sys, time
{"good": lambda: None, "bad": lambda: 1 / 0, "slow": lambda: time.sleep(60)}[sys.argv[-1]]()
"""


KERNELS = ("large product", "small products", "memory")


@pytest.fixture
def on_device(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("on_device")


@pytest.fixture
def parts(on_device):
    return importlib.import_module("device_parts")


def toy(on_device, *names, seconds=10.0):
    parts = [on_device.Part(name, 0.5 if name == "slow" else 10.0) for name in names]
    return on_device.run(parts, [sys.executable, "-c", TOY], on_device.Record(Path("found.json")), seconds)


def test_each_part_fails_alone_and_what_came_of_it_is_on_disk(on_device):
    assert toy(on_device, "slow", "bad", "good") == ["slow", "bad"]
    found = json.loads(Path("found.json").read_text())
    assert found["good"]["status"] == "done"
    assert found["bad"]["status"] == "failed with 1"
    assert "ZeroDivisionError" in found["bad"]["said"]
    assert found["slow"]["status"].startswith("ended")
    assert [path.name for path in Path().iterdir()] == ["found.json"]


def test_what_does_not_fit_is_named_and_done_when_typed_again(on_device, capsys):
    assert toy(on_device, "good", seconds=1e-3) == ["good"]
    assert "no time was left" in json.loads(Path("found.json").read_text())["good"]["status"]
    on_device.Record(Path("found.json")).put("good", status="done", rate=7)
    assert toy(on_device, "good") == []
    assert json.loads(Path("found.json").read_text())["good"] == {"status": "done", "rate": 7}  # not run again
    assert "no time was left" in capsys.readouterr().out


def test_what_a_part_leaves_the_next_may_take_but_nothing_that_is_meant_for_others(on_device, monkeypatch):
    parts = [on_device.Part("good", 10.0), on_device.Part("slow", 0.5), on_device.Part("good again", 10.0)]
    told = []

    def child(command, seconds, ending):
        told.append(seconds)
        return 0, ""

    monkeypatch.setattr(on_device, "_child", child)
    on_device.run(parts, [], on_device.Record(Path("found.json")), 15.0)
    assert told == pytest.approx([10.0, 10.5, 15.0], abs=0.4)


def test_a_part_is_told_to_end_in_good_time(on_device):
    code = """
import signal, sys, time
def end(*_):
    print("ended well", file=sys.stderr)
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
time.sleep(60)
"""
    part = on_device.Part("well", 2.5, ending=1.5)
    record = on_device.Record(Path("found.json"))
    assert on_device.run([part], [sys.executable, "-c", code], record, 3.0) == ["well"]
    found = record.read()["well"]
    assert found["said"] == "ended well\n"
    assert found["seconds"] < 3.0


def test_all_parts_fit_into_nine_minutes_but_those_that_come_last(on_device):
    names = [part.name for part in on_device.PARTS]
    first = on_device.PARTS[:-4]
    assert first[-1].name == "claim"
    assert sum(part.seconds for part in first) <= on_device.SECONDS < 9 * 60
    assert [name.split()[0] for name in names[:6]] == ["machine", "bench", "bench", "bench", "bench", "plain"]


def put_into(on_device, name):
    return on_device.Put(on_device.Record(Path("found.json")), name)


def test_a_workload_width_by_width(on_device, parts):
    ceilings = [parts.Ceiling(name, "", "FLOP", 1, 1e9, 1e9)._asdict() for name in KERNELS]
    put_into(on_device, "machine")(ceilings=ceilings)
    parts.bench(parts.MINIATURE, put_into(on_device, "bench"), Path(), "cipher-pretrain")
    found = json.loads(Path("found.json").read_text())["bench"]
    assert [point["lanes"] for point in found["points"]] == list(parts.MINIATURE.widths)
    assert all(point["updates_per_second"] > 0 for point in found["points"])
    assert found["steps"] == "unlabelled"


def test_two_settings_of_the_compiler_in_turns(on_device, parts):
    parts.passes(parts.MINIATURE, put_into(on_device, "passes"), Path(), "exemplar-rl")
    found = json.loads(Path("found.json").read_text())["passes"]
    assert set(found["compiling"]) == set(found["seconds_per_tick"]) == {"quick", "full"}
    assert [len(seconds) for seconds in found["seconds_per_tick"].values()] == [parts.MINIATURE.repetitions] * 2
    assert found["quick_over_full"] > 0


def test_a_device_against_itself_is_equal_and_differences_are_told(on_device, parts, monkeypatch):
    monkeypatch.setattr(parts, "PRECISIONS", {"highest": parts.PRECISIONS["highest"]})
    monkeypatch.setattr(parts.jax.config, "update", lambda name, value: None)  # it lasts as long as the process
    parts.against_a_cpu(parts.MINIATURE, put_into(on_device, "cpu"), Path())
    found = json.loads(Path("found.json").read_text())["cpu"]["differences"]
    assert list(found) == ["pretrain, highest"]
    assert all(one["within"] and one["equal"] == 1.0 for one in found.values())
    here = parts.np.array([[1.0, 3.0], [10.0, 10.0]])
    there = here + parts.np.array([[0.0, 0.5], [1.0, 0.0]])
    told = parts.compared(here, there)
    assert told["largest"] == pytest.approx(0.5 / 3.5)
    assert told["equal"] == 0.5


def test_blank_modules_stand_in_for_what_only_draws():
    code = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("matplotlib", "seaborn", "pandas"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import importlib.util as util
found = util.find_spec
util.find_spec = lambda name, package=None: None if name in ("matplotlib", "seaborn") else found(name, package)
import without_pictures
assert len(without_pictures.stand_in()) == 5
import gymnax
gymnax.make("CartPole-v1")
gymnax.make("Breakout-MinAtar")
"""
    pytest.importorskip("gymnax")
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.timeout(2000)
def test_all_of_it_in_miniature(on_device):
    pytest.importorskip("gymnax")
    assert on_device.main(["--out", "all.json", "--miniature", "--seconds", "2000", "--cache", "cache"]) == 0
    found = json.loads(Path("all.json").read_text())
    kinds = {"machine", "bench", "plain", "bytes", "cpu", "sweep", "passes"}
    assert {name.split()[0] for name in found} == kinds
    assert found["bytes"]["equal"]
    assert found["bytes"]["was_killed"]
    assert {part["status"] for part in found.values()} == {"done"}


ENDLESS = '''"""Does it end?"""
import regimax as rx
o = {"network": rx.networks.mlp((4,)), "num_envs": 4, "evaluate": rx.regimes.Evaluate(every=2, episodes=4)}
def rule(run):
    """Supported iff it ends."""
claim = rx.Claim(
    id="E1",
    question="Does it end?",
    small=rx.Sweep(rx.envs.Cipher(3, 2, 2), [rx.regimes.pure_rl(updates=1_000_000, **o)], seeds=2),
    rule=rule,
    control="none",
    null="none",
    assay="none",
)
'''


@pytest.mark.slow
def test_a_claim_is_interrupted_when_its_time_ends_and_goes_on(on_device):
    from regimax.sweep import table

    Path("endless.py").write_text(ENDLESS)
    command = ["--out", "claim.json", "--miniature", "--seconds", "120", "--cache", "cache"]
    command += ["--claim", "endless.py", "--parts", "claim"]
    rows = []
    for _ in range(2):
        assert on_device.main(command) == 1
        found = json.loads(Path("claim.json").read_text())["claim endless.py"]
        assert found["status"].startswith("ended")
        assert not found["finished"]
        (run,) = found["totals"]
        assert len(table.cell_table(Path(found["folder"], run))) == 2
        rows.append(len(table.cell_curves(Path(found["folder"], run))))
    assert rows[0] < rows[1]
