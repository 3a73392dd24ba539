"""In context, continual, both: what they share, and where they are not defined."""

import pytest

import regimax as rx
from regimax.cli import main
from regimax.regimes import bind_regime, continual, continual_in_context, in_context
from regimax.sweep.plan import make_plan

WORLD = rx.envs.Recall(stable=2, dynamic=2, values=3, queries=2, dimensions=5, max_stable=4)
OPTIONS = {"network": rx.networks.pair_memory(4, 6, key_size=5), "evaluate": rx.regimes.Evaluate(2, 4)}


def test_they_share_how_to_remember_whatever_lasts():
    regimes = [
        in_context((4, 2), **OPTIONS),
        continual((4, 6), **OPTIONS),
        continual((4, 6), irrelevant=True, **OPTIONS),
        continual_in_context((4, 6), **OPTIONS),
        continual_in_context((4, 6), shown=0.5, memory="lifetime", **OPTIONS),
    ]
    names = [regime.name for regime in regimes]
    assert names == [
        "in_context",
        "continual",
        "continual-irrelevant",
        "continual_in_context",
        "continual_in_context-0.5",
    ]
    axes = {"world.stable": [0, 4], "world.drift": [0.0, 0.5]}
    plan = make_plan(rx.Sweep(world=WORLD, regimes=regimes, axes=axes, seeds=3))
    stages = [stage.phase for stage in plan.stages.values()]
    assert (stages.count("meta"), stages.count("life")) == (3, 5 * 4 * 3)
    assert len(plan.programs) == 6


def test_what_is_trained_and_shown():
    for make, frozen, steps in (
        (in_context, ("trunk", "policy"), 8),
        (continual, (), 4),
        (continual_in_context, (), 8),
    ):
        meta, life = bind_regime(make((4, 2), load=3, learning_rate=0.5, **OPTIONS), WORLD).programs
        assert meta.defaults()["meta.learning_rate"] == 0.5
        assert meta.defaults()["meta.decay_updates"] == 4
        assert (meta.learner.source.num_steps, life.learner.source.num_steps) == (3 + 2, steps)
        assert life.phase.inherit == ("trunk", "policy")
        assert life.phase.freeze == frozen
        assert life.defaults()["life.decay_updates"] == 0


FILE = """
import regimax as rx
sweep = rx.Sweep(world={world}, regimes=[rx.regimes.{regime}()], seeds=2)
"""


@pytest.mark.parametrize("regime", ["in_context", "continual", "continual_in_context"])
def test_other_worlds_are_refused_when_planning(tmp_path, capsys, regime):
    path = tmp_path / "other.py"
    path.write_text(FILE.format(world="rx.envs.Exemplar()", regime=regime))
    assert main(["plan", str(path)]) == 2
    said = capsys.readouterr().err
    assert "the world Exemplar has no lifetimes" in said
    assert "Traceback" not in said
