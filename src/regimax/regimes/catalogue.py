"""The arms of the thesis and their controls."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from regimax import envs, learners, networks, sources
from regimax.channels import Channel
from regimax.errors import UserError, unknown
from regimax.learners import LearnerFactory
from regimax.networks import NetworkFactory
from regimax.regimes.base import Evaluate, Phase, Regime, Stop
from regimax.regimes.options import chosen, hands_on
from regimax.sources import SourceFactory


def reinforce(
    updates: int,
    *,
    network: NetworkFactory | None = None,
    num_envs: int = 64,
    num_steps: int | None = None,
    learner: LearnerFactory | None = None,
    channels: Sequence[Channel] | None = None,
    evaluate: Evaluate = Evaluate(),
    stop: Stop | None = None,
    inherit: Sequence[str] = (),
    freeze: Sequence[str] = (),
    finetune: str = "full",
    record: Sequence[str] = (),
) -> Phase:
    """Makes the phase ``rl``: an actor-critic on its own episodes.

    Args:
      updates: its budget.
      network: what it trains; a GRU of 64 units when not given.
      num_envs: episodes side by side.
      num_steps: steps of each per update; the world's horizon when not given.
      learner: how it learns; A2C when not given.
      channels: what observations, decisions and pay go through; channels of outcome and reward over the world's range
        when not given.
      evaluate: when and on how many fresh episodes.
      stop: when it ends before its budget.
      inherit: parameter subtrees taken from the phase before.
      freeze: parameter subtrees that are not trained.
      finetune: what of the trunk is trained: ``full``, all of it; ``frozen``, nothing, so only the heads are; or
        ``rank-1``, ``rank-2``, …, adapters of that rank on each of its kernels, see :func:`regimax.networks.low_rank`.
      record: what its experience holds beside, see :func:`regimax.sources.own_behaviour`.

    Raises:
      UserError: for another `finetune`.
    """
    network, frozen = _finetuned(network or networks.gru(), finetune)
    freeze = tuple(dict.fromkeys((*freeze, *frozen)))
    return Phase(
        name="rl",
        source=sources.own_behaviour(num_envs, num_steps, record),
        learner=learner or learners.actor_critic(),
        network=network,
        updates=updates,
        channels=None if channels is None else tuple(channels),
        inherit=tuple(inherit),
        freeze=freeze,
        evaluate=evaluate,
        stop=stop,
    )


def _finetuned(network: NetworkFactory, finetune: str) -> tuple[NetworkFactory, tuple[str, ...]]:
    """Returns the network to train, and the parts of it that stay."""
    if finetune == "full":
        return network, ()
    if finetune == "frozen":
        return network, ("trunk",)
    if match := re.fullmatch(r"rank-([1-9]\d*)", str(finetune)):
        return networks.low_rank(network, int(match[1])), ("trunk",)
    raise UserError(f"finetune = {finetune!r} is none of 'full', 'frozen', 'rank-1', 'rank-2', …")


def predict(
    updates: int,
    *,
    network: NetworkFactory | None = None,
    num_envs: int = 64,
    source: SourceFactory | None = None,
    learner: LearnerFactory | None = None,
    evaluate: Evaluate = Evaluate(),
    stop: Stop | None = None,
    channels: Sequence[Channel] | None = None,
    sham: bool = False,
) -> Phase:
    """Makes the phase ``pretrain``: prediction of others' transcripts, or of another stream.

    Args:
      updates: its budget.
      network: what it trains; a GRU of 64 units when not given.
      num_envs: transcripts per update.
      source: the stream; others' transcripts when not given.
      learner: how it learns, for example ``learners.prediction(objective)``; by the next step when not given.
      evaluate: when it is evaluated.
      stop: when it ends before its budget.
      channels: of these, those of the senses are what the transcripts go through.
      sham: whether it is given other transcripts' targets.
    """
    return Phase(
        name="pretrain",
        source=source or sources.transcripts(num_envs),
        learner=learner or learners.prediction(),
        network=network or networks.gru(),
        updates=updates,
        channels=None if channels is None else tuple(channels),
        evaluate=evaluate,
        stop=stop,
        settings={"shuffle": 1} if sham else {},
    )


LEARNT_INSIDE = ("trunk", "policy", "value")
"""What reinforcement learning in the world takes over from a model."""


@hands_on(reinforce)
def imagine(
    updates: int,
    *,
    world: Callable[[Any], Any] = envs.HandModel,
    learner: LearnerFactory | None = None,
    **options,
) -> Phase:
    """Makes the phase ``model``: an actor-critic on the episodes of a model, which cost no steps of the world.

    It is evaluated in the world itself, through its channels, as if it had been carried there at that point; what it
    reaches in the model is ``model_success`` and ``model_return``.

    Args:
      updates: its budget.
      world: turns the world into the model: `envs.HandModel`, or `envs.learned_model_env(network)` of what the phase
        before has learnt, whose parts ``model`` and ``initial_observations`` it must then inherit.
      learner: how it learns; A2C when not given.
      **options: as for :func:`reinforce`.
    """
    phase = reinforce(updates, learner=learners.train_in_model(learner), **options)
    return phase._replace(name="model", world=world)


@hands_on(learners.world_model)
def explore(
    updates: int,
    *,
    network: NetworkFactory | None = None,
    num_envs: int = 64,
    num_steps: int | None = None,
    channels: Sequence[Channel] | None = None,
    evaluate: Evaluate = Evaluate(),
    stop: Stop | None = None,
    sham: bool = False,
    **learner,
) -> Phase:
    """Makes the phase ``explore``: a model of the world is learnt from random behaviour in it.

    Args:
      updates: its budget, in rollouts.
      network: that of the model; a GRU of 64 units when not given.
      num_envs: episodes side by side.
      num_steps: steps of each per update; the world's horizon when not given.
      channels: what observations, decisions and pay go through.
      evaluate: when it is evaluated.
      stop: when it ends before its budget.
      sham: whether it is told what followed others' actions.
      **learner: as for :func:`regimax.learners.world_model`.
    """
    return Phase(
        name="explore",
        source=sources.own_behaviour(num_envs, num_steps),
        learner=learners.world_model(**learner),
        network=network or networks.gru(),
        updates=updates,
        channels=None if channels is None else tuple(channels),
        evaluate=evaluate,
        stop=stop,
        settings={"shuffle": 1} if sham else {},
    )


@hands_on(reinforce)
def pure_rl(updates: int = 1000, **options) -> Regime:
    """Reinforcement learning from scratch.

    Args:
      updates: the budget of ``rl``.
      **options: as for :func:`reinforce`.
    """
    return Regime("pure_rl", (reinforce(updates, **options),))


@hands_on(reinforce, also=("stream", "predictor"), without=("inherit",))
def pretrain_rl(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """Prediction of the reward-free stream, then reinforcement learning with its trunk and a new policy head.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      **options: as for :func:`reinforce`; `network`, `num_envs`, `channels` and `evaluate` serve both phases; and for
        ``pretrain`` alone `stream`, its source, and `predictor`, how it learns. The name of a regime with `finetune`
        says so: ``pretrain_rl-frozen``, ``pretrain_rl-rank-1``.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.pretrain_rl(finetune="rank-1", stream=rx.sources.random_behaviour()).name
      'pretrain_rl-rank-1'
    """
    return _pretrained("pretrain_rl", updates, ("trunk",), options)


@hands_on(reinforce, also=("stream", "predictor"), without=("inherit",))
def imitation_rl(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """Next-action prediction on others' behaviour, then reinforcement learning with trunk and answer head inherited.

    Its prediction is that of `pretrain_rl`; what it has more is a base model's prior over behaviour.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      **options: as for :func:`pretrain_rl`.
    """
    return _pretrained("imitation_rl", updates, ("trunk", "policy"), options)


@hands_on(reinforce, also=("stream", "predictor"), without=("inherit",))
def sham_rl(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """The control of `pretrain_rl`: the same updates on other transcripts' targets. The same FLOPs, no concepts.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      **options: as for :func:`pretrain_rl`.
    """
    return _pretrained("sham_rl", updates, ("trunk",), options, sham=True)


@hands_on(reinforce, without=("record",))
def always_on(
    updates: int = 1000,
    predictions: float = 1,
    gradients: str = "shared",
    learner: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """Reinforcement learning and prediction at once on the learner's own stream, from a replay ring.

    Args:
      updates: the budget of ``rl``, in updates of reinforcement.
      predictions: updates of the predictor for each of them: a whole number, or 1/n for one after every n-th.
      gradients: ``shared``, or ``stopped``: reinforcement's does not reach the trunk.
      learner: further options of :func:`regimax.learners.always_on`: its objective, its ring, its actor-critic.
      **options: as for :func:`reinforce`. The name of a regime says what is not usual: ``always_on-64``,
        ``always_on-1/4-stopped``.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.always_on(100, predictions=1 / 4, learner={"objective": rx.learners.objectives.latent()}).name
      'always_on-1/4'
    """
    return _always_on("always_on", updates, predictions, gradients, learner, options)


@hands_on(reinforce, without=("record",))
def always_on_sham(
    updates: int = 1000,
    predictions: float = 1,
    gradients: str = "shared",
    learner: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """The control of `always_on`: the same updates on other streams' targets. The same FLOPs, no concepts.

    Args:
      updates: the budget of ``rl``, in updates of reinforcement.
      predictions: as for :func:`always_on`.
      gradients: as for :func:`always_on`.
      learner: as for :func:`always_on`.
      **options: as for :func:`reinforce`.
    """
    return _always_on("always_on_sham", updates, predictions, gradients, learner, options, sham=True)


@hands_on(pretrain_rl, without=("record",))
def reward_model(
    updates: tuple[int, int] = (1000, 1000),
    pay: str = "potential",
    learner: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """As `pretrain_rl`, and a model of the outcome, learnt from those that are delivered, pays for every step.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      pay: ``potential``, which moves no optimum, or ``direct``.
      learner: further options of :func:`regimax.learners.reward_model`: how the model learns, its actor-critic.
      **options: as for :func:`pretrain_rl`. The name of a regime says what is not usual:
        ``reward_model-direct-frozen``.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.reward_model((100, 100), pay="direct", learner={"fits": 4}).name
      'reward_model-direct'
    """
    return _reward_model("reward_model", updates, pay, learner, options)


@hands_on(pretrain_rl, without=("record",))
def reward_model_sham(
    updates: tuple[int, int] = (1000, 1000),
    pay: str = "potential",
    learner: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """The control of `reward_model`: its model learns from the outcomes of other episodes.

    Args:
      updates: the budgets of ``pretrain`` and ``rl``.
      pay: as for :func:`reward_model`.
      learner: as for :func:`reward_model`.
      **options: as for :func:`pretrain_rl`.
    """
    return _reward_model("reward_model_sham", updates, pay, learner, options, sham=True)


@hands_on(reinforce)
def hand_model(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """Reinforcement learning in a hand-made model that knows a part of the world, then in the world itself.

    How much the model knows are settings of the world, see :class:`regimax.envs.HandModel`; no step in it counts as one
    of the world. What it carries over at once is ``success`` of ``rl`` at update 0.

    Args:
      updates: the budgets of ``model`` and ``rl``.
      **options: as for :func:`reinforce`; all but `stop`, `freeze` and `finetune` serve both phases.

    Example:
      >>> import regimax as rx
      >>> train = rx.make_train(rx.regimes.hand_model((100, 100)), rx.envs.Planner())
      >>> float(train.default_hparams["world.known"])
      1.0
    """
    inside = {name: value for name, value in options.items() if name in _INSIDE}
    rest = {**options, "inherit": options.get("inherit", LEARNT_INSIDE)}
    phases = (imagine(updates[0], **inside), reinforce(updates[1], **rest))
    return Regime(_finetuned_name("hand_model", options), phases)


_INSIDE = ("network", "num_envs", "num_steps", "learner", "channels", "evaluate")


@hands_on(hand_model)
def learned_model(
    updates: tuple[int, int, int] = (1000, 1000, 1000),
    model: NetworkFactory | None = None,
    learner_of_model: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """A model is learnt from random behaviour, then reinforcement learning in the model, then in the world itself.

    Args:
      updates: the budgets of ``explore``, ``model`` and ``rl``.
      model: the network of the model; as that of the actor-critic when not given.
      learner_of_model: options of :func:`regimax.learners.world_model`.
      **options: as for :func:`hand_model`.

    Example:
      >>> import regimax as rx
      >>> regime = rx.regimes.learned_model((10, 20, 30), network=rx.networks.mlp(), model=rx.networks.mlp((128,)))
      >>> [(phase.name, phase.updates) for phase in regime.phases]
      [('explore', 10), ('model', 20), ('rl', 30)]
    """
    return _learned_model("learned_model", updates, model, learner_of_model, options)


@hands_on(hand_model)
def learned_model_sham(
    updates: tuple[int, int, int] = (1000, 1000, 1000),
    model: NetworkFactory | None = None,
    learner_of_model: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """The control of `learned_model`: its model learns what followed the actions of other streams.

    Args:
      updates: as for :func:`learned_model`.
      model: as for :func:`learned_model`.
      learner_of_model: as for :func:`learned_model`.
      **options: as for :func:`hand_model`.
    """
    return _learned_model("learned_model_sham", updates, model, learner_of_model, options, sham=True)


@hands_on(reinforce)
def oracle(updates: int = 1000, **options) -> Regime:
    """Reinforcement learning on the world's concepts instead of its observations.

    Args:
      updates: the budget of ``rl``.
      **options: as for :func:`reinforce`.
    """
    return Regime("oracle", (reinforce(updates, **options)._replace(world=envs.Oracle),))


OF_MATE = {"both": (1, 1), "reward": (1, 0), "prediction": (0, 1), "nothing": (0, 0)}
"""What may be learnt from a mate's stream: whether action values are, and whether it is predicted."""


@hands_on(reinforce, without=("record",))
def yoked(
    updates: int = 1000,
    of_mate: str = "both",
    mate: str = "another",
    learner: Mapping[str, Any] | None = None,
    **options,
) -> Regime:
    """Action values and prediction, learnt from the stream of another learner of the same age, or from one's own.

    All of these regimes cost the same, and one learner acts in them as much as the other.

    Args:
      updates: the budget of ``rl``, in rollouts.
      of_mate: what is learnt from the mate's stream: ``both``, ``reward`` (action values alone), ``prediction`` alone,
        or ``nothing``.
      mate: who acts there: ``another`` learner, which learns from its own stream; ``itself``, the learner's own policy
        in other episodes; or ``nobody`` that learns, whose choices are even.
      learner: options of :func:`regimax.learners.yoked`.
      **options: as for :func:`reinforce`. The name of a regime says what is not usual: ``yoked-reward-nobody``.

    Raises:
      UserError: for another `of_mate` or `mate`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.yoked(100, of_mate="prediction", mate="itself").name
      'yoked-prediction-itself'
    """
    if of_mate not in OF_MATE:
        raise unknown("part to learn from the mate:", of_mate, OF_MATE)
    if mate not in learners.PARTNERS:
        raise unknown("mate", mate, learners.PARTNERS)
    how = chosen("the learner of yoked", learner, learners.yoked)
    phase = reinforce(updates, learner=learners.yoked(**how), record=("second_view",), **options)
    reward, prediction = OF_MATE[of_mate]
    settings = {
        "reward_of_partner": reward,
        "prediction_of_partner": prediction,
        "partner": learners.PARTNERS.index(mate),
    }
    name = "yoked" + ("" if of_mate == "both" else f"-{of_mate}") + ("" if mate == "another" else f"-{mate}")
    return Regime(name, (phase._replace(settings=settings),))


def _pretrained(
    name: str, updates: tuple[int, int], inherit: tuple[str, ...], options: dict, sham: bool = False
) -> Regime:
    shared = {key: options[key] for key in ("network", "num_envs", "channels", "evaluate") if key in options}
    rest = dict(options)
    first = predict(
        updates[0], source=rest.pop("stream", None), learner=rest.pop("predictor", None), sham=sham, **shared
    )
    return Regime(_finetuned_name(name, rest), (first, reinforce(updates[1], inherit=inherit, **rest)))


def _finetuned_name(name: str, options: Mapping[str, Any]) -> str:
    """A regime's name, with what is trained where that is not everything."""
    finetune = options.get("finetune", "full")
    return name if finetune == "full" else f"{name}-{finetune}"


def _learned_model(
    name: str,
    updates: tuple[int, int, int],
    model: NetworkFactory | None,
    learner_of_model: Mapping[str, Any] | None,
    options: dict,
    sham: bool = False,
) -> Regime:
    how = chosen("learner_of_model", learner_of_model, learners.world_model)
    network = model or options.get("network") or networks.gru()
    shared = {key: options[key] for key in ("num_envs", "num_steps", "channels", "evaluate") if key in options}
    first = explore(updates[0], network=network, sham=sham, **shared, **how)
    key = "initial_observations"
    dreamt = envs.learned_model_env(network, **({key: how[key]} if key in how else {}))
    regime = hand_model(updates[1:], **options)
    inside = regime.phases[0]._replace(world=dreamt, inherit=("model", "initial_observations"))
    named = _finetuned_name(name, options)
    return Regime(named, (first, inside, *regime.phases[1:]))


def _always_on(
    name: str,
    updates: int,
    predictions: float,
    gradients: str,
    learner: Mapping[str, Any] | None,
    options: dict,
    sham: bool = False,
) -> Regime:
    options_of_learner = chosen(f"the learner of {name}", learner, learners.always_on, learners.actor_critic)
    how = learners.always_on(predictions, gradients, **options_of_learner)
    phase = reinforce(updates, learner=how, record=("second_view",), **options)
    if predictions != 1:
        name += f"-{predictions:g}" if predictions > 1 else f"-1/{round(1 / predictions)}"
    if gradients != "shared":
        name += f"-{gradients}"
    return Regime(name, (phase._replace(settings={"prediction.shuffle": 1} if sham else {}),))


def _reward_model(
    name: str,
    updates: tuple[int, int],
    pay: str,
    learner: Mapping[str, Any] | None,
    options: dict,
    sham: bool = False,
) -> Regime:
    how = learners.reward_model(
        {"potential": "shaping"}.get(pay, pay),
        **chosen(f"the learner of {name}", learner, learners.reward_model, learners.actor_critic),
    )
    named = name if pay == "potential" else f"{name}-{pay}"
    regime = _pretrained(named, updates, ("trunk",), options | {"learner": how, "record": ("outcome",)})
    first, second = regime.phases
    return regime._replace(phases=(first, second._replace(settings={"model.shuffle": 1} if sham else {})))
