"""Programs that serve every run of a process."""

import jax
import pytest

from regimax.sweep import engines
from regimax.sweep.executables import Workers
from regimax.sweep.plan import make_plan


def of(plan, name, **changes):
    asked = {"block": 8, "devices": jax.local_devices(), "optimization": "none"} | changes
    return engines.engine(name, plan.programs[name], compiling=_nothing, workers=Workers(1), **asked)


class _nothing:
    def __enter__(self):
        return None

    def __exit__(self, *exc):
        return None


def test_one_identity_is_one_engine_whoever_asks(tiny):
    engines.forget()
    plan, again = make_plan(tiny()), make_plan(tiny(seeds=1, axes={}))
    assert set(again.programs) == set(plan.programs)
    [name, other] = plan.programs
    first = of(plan, name)
    assert of(again, name) is first
    assert of(plan, other) is not first
    assert of(plan, name, block=4) is not first
    assert of(plan, name, optimization="full") is not first
    assert of(plan, name, devices=jax.local_devices()[:1]) is not first
    assert of(plan, name) is first
    engines.forget()
    assert of(plan, name) is not first


def test_the_oldest_are_let_go(tiny, monkeypatch):
    engines.forget()
    monkeypatch.setattr(engines, "KEPT", 1)
    plan = make_plan(tiny())
    [name, other] = plan.programs
    first = of(plan, name)
    of(plan, other)
    assert of(plan, name) is not first


def test_room_is_made_where_code_takes_much_of_what_is_granted(tiny, monkeypatch, tmp_path):
    engines.forget()
    plan = make_plan(tiny())
    [name, _] = plan.programs
    first, granted = of(plan, name), tmp_path / "granted"
    monkeypatch.setattr(engines, "_GRANTED", granted)
    engines.make_room()  # where nothing says what is granted
    granted.write_text("100000000")
    engines.make_room()
    assert of(plan, name) is first
    granted.write_text("100")
    engines.make_room()
    assert of(plan, name) is not first


def test_what_is_let_go_frees_its_code(tiny, tmp_path):
    """Programs of thirty sizes are more than a process has maps for."""

    def maps():
        return engines._MAPS.read_bytes().count(b"\n")

    if not engines._MAPS.exists():
        pytest.skip("no /proc here")
    engines.forget()
    before = maps()
    tiny().run(tmp_path / "run")
    held = maps()
    engines.forget()
    assert held > before + 100
    assert maps() < before + (held - before) / 2
