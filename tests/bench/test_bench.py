"""`regimax bench`, from what is typed to what is written."""

import json
import re
import weakref
from pathlib import Path

import jax
import pytest

import regimax as rx
from regimax import memory_maps
from regimax.bench import flagship, fleet
from regimax.bench.ceilings import LARGE, MEMORY, SMALL, Ceiling
from regimax.bench.ladder import Rung
from regimax.bench.measure import Measurement
from regimax.bench.workloads import WORKLOADS, SweepWorkload, Workload
from regimax.cli import main
from regimax.sweep import pool
from regimax.sweep.run import Interrupted
from regimax.train import update_flops


def tiny_rl():
    evaluate = rx.regimes.Evaluate(every=2, episodes=16)
    regime = rx.regimes.pure_rl(updates=8, network=rx.networks.gru(8), num_envs=8, evaluate=evaluate)
    return regime, rx.envs.Cipher(symbols=3, skills=2, length=2)


def tinier_rl():
    """As little as there is to compile: here nothing compiled before is used again."""
    evaluate = rx.regimes.Evaluate(every=2, episodes=4)
    regime = rx.regimes.pure_rl(updates=8, network=rx.networks.mlp((4,)), num_envs=4, evaluate=evaluate)
    return regime, rx.envs.Exemplar(factors=2, values=2, looks=2, dimensions=4)


def tiny_sweep(block):
    regime, world = tiny_rl()
    return rx.Sweep(world=world, regimes=[regime], axes={"rl.updates": [4, 8]}, seeds=3, block=block)


class Silent:
    def __init__(self):
        self.lines = []

    def doing(self, text):
        pass

    def done(self, text):
        self.lines.append(text)


def ceilings(devices):
    return {
        (name, count): Ceiling(name, "", "FLOP", count, 1e10 * count, 1e10 * count)
        for name in (LARGE, SMALL, MEMORY)
        for count in range(1, devices + 1)
    }


def test_points_are_counted_from_the_updates_and_fewer_devices_are_tried_at_the_knee():
    workload = Workload("tiny", 1, "a tiny one", tiny_rl)
    progress = Silent()
    measurement = Measurement(workload, jax.local_devices()[:2], ceilings(2), 2, progress)
    found = measurement.run([Rung(16, 8, 2)], open_ended=True)
    assert [(p["lanes"], p["devices"]) for p in found["points"]] == [(8, 1), (16, 2)]
    assert [line.split(":")[1].strip() for line in progress.lines] == ["16 lanes", "8 lanes"]
    flops = update_flops(rx.make_train(*tiny_rl()).bound.programs[0])
    for point in found["points"]:
        updates = point["lanes"] * point["ticks"] * 2
        low, high = sorted(point["seconds"])
        assert point["updates_per_second"] == pytest.approx(updates / ((low + high) / 2))
        assert point["updates_per_second_worst"] == pytest.approx(updates / high)
        assert point["steps_per_second"] == pytest.approx(point["updates_per_second"] * 8 * 2)
        assert point["flops_per_second"] == pytest.approx(point["updates_per_second"] * flops)
        assert point["of_small_products"] == pytest.approx(point["flops_per_second"] / (1e10 * point["devices"]))
        assert point["diverged"] == 0
    # 16 episodes without learning, of two updates on 8 episodes each with it, which takes three times as much.
    assert 0.15 < found["evaluation_flops"] < 0.35
    assert set(found["scaling"]) == {"1", "2"}
    assert found["knee"] in [{key: p[key] for key in ("lanes", "block", "devices")} for p in found["points"]]


def test_widths_that_are_measured_make_room_where_maps_are_few(monkeypatch):
    workload = Workload("tiny", 1, "a tiny one", tiny_rl)
    for crowded, kept in ((False, True), (True, False)):
        monkeypatch.setattr(memory_maps, "crowded", lambda crowded=crowded: crowded)
        measurement = Measurement(workload, jax.local_devices()[:1], ceilings(1), 1, Silent())
        first = weakref.ref(measurement._make(8))
        measurement._make(16)
        assert (first() is not None) is kept


def test_a_fleet_has_as_many_ticks_under_way_as_a_pool():
    assert fleet.AHEAD == pool.AHEAD


def test_a_whole_sweep_is_run_and_leaves_nothing():
    found = flagship.run(SweepWorkload("tiny", 3, "a tiny one", tiny_sweep), 2, 8, (16, 8), 1, Silent())
    assert found["version"] == 3
    assert found["cells"] == 6
    assert found["sharing"] == pytest.approx(3 * (4 + 8) / (3 * 8))
    [point] = found["points"]  # three chains fill one block, whatever width is asked for
    assert point["lanes"] == 8
    assert point["updates"] == 3 * 8
    assert point["updates_per_second"] == pytest.approx(24 / point["seconds"][0])
    assert 0 < point["occupancy"] <= 3 / 8
    assert list(Path().iterdir()) == []


def test_from_the_command_line_to_files(monkeypatch, capsys):
    monkeypatch.setitem(WORKLOADS, "tiny", Workload("tiny", 1, "a tiny one", tinier_rl))
    typed = ["bench", "tiny", "--widths", "8", "--repetitions", "2", "--devices", "2"]
    assert main([*typed, "--json", "now.json", "--plot", "now.html"]) == 0
    out, err = capsys.readouterr()
    assert "tiny version 1" in out
    assert re.search(r"^tiny: 8 lanes: [\d,]+ updates/s", err, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 100
    found = json.loads(Path("now.json").read_text())
    assert found["workloads"]["tiny"]["points"][0]["lanes"] == 8
    assert {(c["name"], c["devices"]) for c in found["ceilings"]} >= {(LARGE, 1), (SMALL, 2), (MEMORY, 1)}
    assert found["machine"]["versions"]["jax"] == jax.__version__
    assert not re.search(r"\d{4}-\d\d-\d\d", json.dumps(found))  # two runs of one machine differ in figures only
    page = Path("now.html").read_text()
    assert "Updates per second by width" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page)  # it opens offline


BAD = [
    (["cipher-lr"], r"unknown workload 'cipher-lr'. Did you mean 'cipher-rl'\?"),
    (["cipher-rl", "cipher-rl"], "'cipher-rl' is given twice"),
    (["cipher-rl", "--all"], "--all is every workload: name none beside it"),
    (["--widths", "0"], "--widths 0 is below 1"),
    (["--block", "0"], "--block 0 is below 1"),
    (["--repetitions", "0"], "--repetitions 0 is below 1"),
    (["--devices", "0"], "devices = 0 is below 1"),
    (["--json", "no/where.json"], "cannot write 'no/where.json': there is no folder 'no'"),
    (["--json", "folder"], "'folder' is a folder, not a file"),
    (["--plot", "/proc/page.html"], "cannot write"),
    (["--against", "missing.json"], "cannot read 'missing.json': No such file"),
    (["--against", "text.json"], "'text.json' holds no JSON"),
    (["--against", "other.json"], "'other.json' is not what `regimax bench --json` writes"),
    (["--against", "later.json"], "'later.json' has format 2"),
    (["--against", "damaged.json"], "'damaged.json' is damaged"),
    (["ppo-cartpole", "--against", "older.json"], "'older.json' has version 0 of 'ppo-cartpole'"),
    (["cipher-rl", "--against", "older.json"], "'older.json' has none of the workloads cipher-rl"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_bad_input_is_told_in_a_line_and_nothing_is_measured_or_written(found, capsys, arguments, message):
    Path("folder").mkdir()
    Path("text.json").write_text("lanes: 8")
    Path("other.json").write_text('{"kind": "shopping"}')
    found |= {"kind": "regimax bench", "format": 1}
    Path("later.json").write_text(json.dumps(found | {"format": 2}))
    found["workloads"]["ppo-cartpole"]["version"] = 0
    Path("older.json").write_text(json.dumps(found))
    found["workloads"]["ppo-cartpole"]["points"][0]["updates_per_second"] = None
    Path("damaged.json").write_text(json.dumps(found))
    before = sorted(Path().iterdir())
    assert main(["bench", *(arguments if "--devices" in arguments else [*arguments, "--devices", "2"])]) == 2
    out, err = capsys.readouterr()
    assert re.search(message, err), err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert sorted(Path().iterdir()) == before


def test_what_cannot_be_made_here_is_left_out_unless_it_was_named(monkeypatch, capsys):
    def missing():
        raise rx.UserError("gymnax cannot be imported")

    for name in list(WORKLOADS):
        monkeypatch.delitem(WORKLOADS, name)
    monkeypatch.setitem(WORKLOADS, "absent", Workload("absent", 1, "not here", missing))
    assert main(["bench", "absent", "--devices", "2"]) == 2
    assert "gymnax cannot be imported" in capsys.readouterr().err
    assert main(["bench", "--all", "--devices", "2"]) == 0
    out, err = capsys.readouterr()
    assert "absent is left out: gymnax cannot be imported" in err
    assert "absent" not in out


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (Interrupted(15), 143)], ids=["^C", "SIGTERM"])
def test_an_interrupted_benchmark_says_so_and_writes_nothing(monkeypatch, capsys, stop, code):
    def stopped():
        raise stop

    monkeypatch.setitem(WORKLOADS, "tiny", Workload("tiny", 1, "a tiny one", stopped))
    assert main(["bench", "tiny", "--devices", "2", "--json", "now.json"]) == code
    assert "stopped; nothing is written" in capsys.readouterr().err
    assert list(Path().iterdir()) == []
