"""Where what lasts is kept: in context, in weights that go on learning, or in both."""

from __future__ import annotations

from regimax import learners, networks, sources
from regimax.networks import NetworkFactory
from regimax.regimes.base import Evaluate, Phase, Regime, Stop
from regimax.regimes.options import hands_on

PARTS = ("trunk", "policy")


def learn_to_remember(
    updates: int,
    *,
    network: NetworkFactory | None = None,
    num_envs: int = 16,
    load: int | None = None,
    learning_rate: float = 3e-3,
    evaluate: Evaluate = Evaluate(),
    stop: Stop | None = None,
) -> Phase:
    """Makes the phase ``meta``: sequences each of which has a world of its own, so that only memory helps.

    Args:
      updates: its budget; the step size falls to 0 along a cosine over them.
      network: what it trains; :func:`regimax.networks.pair_memory` when not given.
      num_envs: sequences per update.
      load: the most pairs of a sequence, see :func:`regimax.sources.redrawn`.
      learning_rate: the step size at the beginning.
      evaluate: when and on how many fresh sequences.
      stop: when it ends before its budget.
    """
    return Phase(
        name="meta",
        source=sources.redrawn(num_envs, load),
        learner=learners.lifelong(),
        network=network or networks.pair_memory(),
        updates=updates,
        evaluate=evaluate,
        stop=stop,
        settings={"learning_rate": learning_rate, "decay_updates": updates},
    )


def live(
    updates: int,
    *,
    shown: float,
    learns: bool = True,
    network: NetworkFactory | None = None,
    memory: str = "sequence",
    irrelevant: bool = False,
    evaluate: Evaluate = Evaluate(),
    stop: Stop | None = None,
) -> Phase:
    """Makes the phase ``life``: the sequences of one drifting world, one per update, after the phase ``meta``.

    Args:
      updates: its budget, in sequences.
      shown: share of the sequences that show what lasts.
      learns: whether weights are updated; else nothing is trained, and only memory works.
      network: as in ``meta``.
      memory: how long it lasts, ``sequence`` or ``lifetime``, see :func:`regimax.learners.lifelong`.
      irrelevant: the control: it lives in another world than it is evaluated in.
      evaluate: when and on how many fresh sequences.
      stop: when it ends before its budget.
    """
    return Phase(
        name="life",
        source=sources.lifetime(1, shown, irrelevant),
        learner=learners.lifelong(memory),
        network=network or networks.pair_memory(),
        updates=updates,
        inherit=PARTS,
        freeze=() if learns else PARTS,
        evaluate=evaluate,
        stop=stop,
    )


@hands_on(learn_to_remember, also=("memory", "irrelevant"))
def in_context(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """Learns to remember in worlds that are new each time, then lives with frozen weights: all comes from context.

    Every sequence shows what lasts beside what does not. Defined in worlds with lifetimes, such as Recall.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      **options: `network`, `evaluate`; for ``meta`` alone `num_envs`, `load`, `learning_rate`; for ``life`` alone
        `memory`, `stop`.

    Example:
      >>> import regimax as rx
      >>> in_context().phases[1].freeze
      ('trunk', 'policy')
    """
    return _lifelong("in_context", updates, options, shown=1.0, learns=False)


@hands_on(learn_to_remember, also=("memory", "irrelevant"))
def continual(updates: tuple[int, int] = (1000, 1000), **options) -> Regime:
    """Learns to remember likewise, then lives with weights that go on learning: what lasts is never in context.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      **options: as for :func:`in_context`, and `irrelevant`, the control, which the regime's name then says.

    Example:
      >>> continual(irrelevant=True).name
      'continual-irrelevant'
    """
    return _lifelong("continual", updates, options, shown=0.0, learns=True)


@hands_on(learn_to_remember, also=("memory", "irrelevant"))
def both(updates: tuple[int, int] = (1000, 1000), shown: float = 1.0, **options) -> Regime:
    """Learns to remember likewise, then lives with weights that go on learning, and what lasts in context too.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      shown: share of the sequences with what lasts in context; the regime's name says it where it is not 1. What is
        always in context need not be known by heart: weights may learn to rely on it.
      **options: as for :func:`continual`.

    Example:
      >>> both(shown=0.5).name
      'both-0.5'
    """
    return _lifelong("both" if shown == 1 else f"both-{shown:g}", updates, options, shown=shown, learns=True)


def _lifelong(name: str, updates: tuple[int, int], options: dict, *, shown: float, learns: bool) -> Regime:
    shared = {key: options[key] for key in ("network", "evaluate") if key in options}
    own = {key: options[key] for key in ("memory", "irrelevant", "stop") if key in options}
    meta = {key: value for key, value in options.items() if key not in own}
    named = f"{name}-irrelevant" if own.get("irrelevant") else name
    return Regime(
        named, (learn_to_remember(updates[0], **meta), live(updates[1], shown=shown, learns=learns, **shared, **own))
    )
