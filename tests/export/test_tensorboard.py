"""Events that TensorBoard reads."""

import struct

import pytest

from regimax.export import tensorboard


def events(folder):
    """What the event files of a folder say, by tag: steps and values."""
    from tensorboardX.proto.event_pb2 import Event

    told = {}
    for path in sorted(folder.glob("events.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + size])
            at += size + 16
            for value in event.summary.value:
                told.setdefault(value.tag, []).append((event.step, value.simple_value))
    return told


def test_every_cell_that_has_begun_is_a_run(found, tmp_path):
    pytest.importorskip("tensorboardX")
    tensorboard.write(found, tmp_path)
    runs = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("events.*")}
    assert runs == {"both/e=0.5/0", "one/e=0.5/0"}
    told = events(tmp_path / "both" / "e=0.5" / "0")
    assert told["rl/success"] == [(1, 0.0), (3, 1.0)]
    assert told["rl/loss"] == [(3, 0.5)]
    assert told["pretrain/loss"] == [(1, 2.0)]
    assert told["pretrain/concepts_accuracy"] == [(0, 0.5), (1, 0.75)]
    assert set(told["effort/flops"]) == {(0, 0.0), (1, 10.0), (3, 30.0)}
    assert told["end/success"] == [(3, 1.0)]
    assert "_hparams_/session_start_info" in told


def test_names_are_what_any_system_takes():
    taken = set()
    name = tensorboard.run_name("../a:b/world=C:\\x*?/0", taken)
    assert name == "_/a_b/world=C__x__/0"
    assert tensorboard.run_name("../a|b/world=C:|x??/0", taken) != name
    assert tensorboard.run_name("a:b/0", taken) == "a_b/0"
    assert tensorboard.run_name("a|b/0", taken) == "a_b/0 (2)"
    assert max(map(len, tensorboard.run_name(f"a/{'long' * 99}/0", taken).split("/"))) == tensorboard.LONGEST
