"""What regimes and phases take is declared once: checked where it is given, and told in their help."""

import inspect
import typing

import pytest

import regimax as rx
from regimax.learners import options as learner_options
from regimax.regimes import options
from regimax.regimes.keywords import checked, documented

r = rx.regimes
BUILDERS = {name: getattr(r, name) for name in r.__all__ if hasattr(getattr(r, name), "__signature__")}
KINDS = [kind for module in (options, learner_options) for kind in vars(module).values() if typing.is_typeddict(kind)]
PHASES = {"learn_model", "train_in_model", "meta_train", "continual_phase", "predict", "reinforce"}


def given(name):
    """Returns what a builder cannot do without."""
    return {"updates": 2} | ({"shown": 1.0} if name == "continual_phase" else {}) if name in PHASES else {}


def test_no_builder_is_left_out():
    others = {"bind", "bind_regime", "options", "probed"}
    assert set(BUILDERS) == {name for name in r.__all__ if name.islower()} - others


@pytest.mark.parametrize("name", BUILDERS)
def test_a_misspelt_option_is_told_with_the_nearest(name):
    with pytest.raises(rx.UserError, match=rf"unknown option of {name}: 'netwrk'\. Did you mean 'network'\?"):
        BUILDERS[name](**given(name), netwrk=rx.networks.mlp())


NESTED = [
    (name, parameter.name, kind)
    for name, make in BUILDERS.items()
    for parameter in inspect.signature(inspect.unwrap(make)).parameters.values()
    if typing.is_typeddict(kind := typing.get_type_hints(inspect.unwrap(make))[parameter.name])
]


def test_every_regime_of_several_phases_has_a_dictionary_for_each():
    found = {(name, parameter) for name, parameter, _ in NESTED}
    for name, make in BUILDERS.items():
        if name not in PHASES and len(phases := make().phases) > 1:
            assert {(name, phase.name) for phase in phases} <= found


@pytest.mark.parametrize(("name", "parameter", "kind"), NESTED)
def test_so_it_is_within_what_belongs_to_a_phase_or_a_learner(name, parameter, kind):
    key = [*kind.__annotations__][-1]
    with pytest.raises(rx.UserError, match=f"of {parameter} of {name}: '{key}z'. Did you mean '{key}'"):
        BUILDERS[name](**{parameter: {f"{key}z": 1}})
    with pytest.raises(rx.UserError, match=f"{parameter} of {name} = None is no dictionary of options"):
        BUILDERS[name](**{parameter: None})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: r.pretrain_rl(inherit=("trunk",)), "unknown option of pretrain_rl: 'inherit'"),
        (lambda: r.pretrain_rl(rl={"inherit": ("trunk",)}), "unknown option of rl of pretrain_rl: 'inherit'"),
        (lambda: r.pretrain_rl(pretrain={"sham": True}), "unknown option of pretrain of pretrain_rl: 'sham'"),
        (lambda: r.continual(life={"shown": 0.5}), "unknown option of life of continual: 'shown'"),
        (lambda: r.yoked(record=("outcome",)), "unknown option of yoked: 'record'"),
        (lambda: r.always_on(2, 1, "shared", {"fit": 3}), "unknown option of learner of always_on: 'fit'"),
        (lambda: r.reward_model(rl={"learner": None}), "unknown option of rl of reward_model: 'learner'"),
    ],
)  # fmt: skip
def test_what_a_regime_settles_itself_is_not_its_option(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()


@pytest.mark.parametrize("name", BUILDERS)
def test_help_has_every_option_with_what_it_means(name):
    parameters = inspect.signature(BUILDERS[name]).parameters
    assert {"network", "evaluate"} <= set(parameters)
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for parameter in parameters:
        assert f"\n  {parameter}: " in inspect.getdoc(BUILDERS[name])
    assert BUILDERS[name].__doc__.startswith("Makes the ")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_key_has_a_docstring(kind):
    assert documented(kind).keys() == kind.__annotations__.keys()
    assert not kind.__required_keys__


LEARNERS = {
    learner_options.ActorCritic: [rx.learners.actor_critic],
    learner_options.AlwaysOn: [rx.learners.always_on, rx.learners.actor_critic],
    learner_options.RewardModel: [rx.learners.reward_model, rx.learners.actor_critic],
    learner_options.Yoked: [rx.learners.yoked],
    learner_options.WorldModel: [rx.learners.world_model],
}
SETTLED = {
    learner_options.AlwaysOn: {"updates_per_rollout", "gradients"},
    learner_options.RewardModel: {"form"},
}
"""What regimes say of their learners themselves."""


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.__name__)
def test_options_of_learners_are_those_of_their_factories(kind):
    takes = [p for make in LEARNERS[kind] for p in inspect.signature(make).parameters.values()]
    names = {p.name for p in takes if p.kind is not p.VAR_KEYWORD}
    assert set(kind.__annotations__) == names - SETTLED.get(kind, set())


class Knob(typing.TypedDict, total=False):
    """What a knob takes."""

    turns: int
    """How often it
    is turned."""


class Dial(Knob, total=False):
    """What a dial takes."""

    scale: float
    """Its scale."""


@checked
def dialled(times: int, *, knob: Knob = Knob(), **more: typing.Unpack[Dial]) -> int:
    """Turns a dial.

    Args:
      times: how often.
      knob: its knob.
      **more: what it takes:

    Returns:
      the turns.
    """
    return times + knob.get("turns", 0) + more.get("turns", 0)


def test_any_function_is_checked_by_its_annotations():
    assert dialled(1, knob={"turns": 2}, turns=3) == 6
    assert dialled(1) == 1
    told = "  **more: what it takes:\n  turns: How often it is turned.\n  scale: Its scale.\n\nReturns:"
    assert told in inspect.getdoc(dialled)
    assert [*inspect.signature(dialled).parameters] == ["times", "knob", "turns", "scale"]
    with pytest.raises(rx.UserError, match=r"unknown option of dialled: 'turn'\. Did you mean 'turns'"):
        dialled(1, turn=3)
    with pytest.raises(rx.UserError, match=r"unknown option of knob of dialled: 'scale'\. Allowed: turns"):
        dialled(1, knob={"scale": 3.0})
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'times'"):
        dialled()
