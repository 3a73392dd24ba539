"""Where what lasts is kept: in context, in weights that go on learning, or in both."""

from __future__ import annotations

from typing import Unpack

from regimax import learners, networks, sources
from regimax.regimes.base import Evaluate, Phase, Regime
from regimax.regimes.keywords import checked, chosen
from regimax.regimes.options import Life, LifePhase, Lifetimes, Meta, MetaPhase
from regimax.regimes.phases import budgets

PARTS = ("trunk", "policy")


@checked
def meta_train(updates: int, **options: Unpack[Meta]) -> Phase:
    """Makes the phase ``meta``: sequences each of which has a world of its own, so that only memory helps.

    Args:
      updates: its budget; the step size falls to 0 along a cosine over them.
      **options: as declared by :class:`regimax.regimes.options.Meta`:

    Raises:
      UserError: for an unknown option.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.meta_train(500, load=32, learning_rate=1e-2).settings
      {'learning_rate': 0.01, 'decay_updates': 500}
    """
    return Phase(
        name="meta",
        source=sources.fresh_worlds(options.get("num_envs", 16), options.get("load")),
        learner=learners.recall(),
        network=options.get("network") or networks.pair_memory(),
        updates=updates,
        evaluate=options.get("evaluate", Evaluate()),
        stop=options.get("stop"),
        settings={"learning_rate": options.get("learning_rate", 3e-3), "decay_updates": updates},
    )


@checked
def continual_phase(updates: int, *, shown: float, learns: bool = True, **options: Unpack[Life]) -> Phase:
    """Makes the phase ``life``: the sequences of one drifting world, one per update, after the phase ``meta``.

    Args:
      updates: its budget, in sequences.
      shown: share of the sequences that show what lasts.
      learns: whether weights are updated; else nothing is trained, and only memory works.
      **options: as declared by :class:`regimax.regimes.options.Life`:

    Raises:
      UserError: for an unknown option.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.continual_phase(500, shown=1.0, learns=False, memory="lifetime").freeze
      ('trunk', 'policy')
    """
    return Phase(
        name="life",
        source=sources.lifetime(1, shown, options.get("irrelevant", False), options.get("told", False)),
        learner=learners.recall(options.get("memory", "sequence")),
        network=options.get("network") or networks.pair_memory(),
        updates=updates,
        inherit=PARTS,
        freeze=() if learns else PARTS,
        evaluate=options.get("evaluate", Evaluate()),
        stop=options.get("stop"),
    )


@checked
def in_context(
    updates: tuple[int, int] = (1000, 1000),
    *,
    meta: MetaPhase = MetaPhase(),
    life: LifePhase = LifePhase(),
    name: str | None = None,
    **options: Unpack[Lifetimes],
) -> Regime:
    """Makes the regime of learning to remember in worlds that are new each time, then living with frozen weights.

    All comes from context: every sequence shows what lasts beside what does not. Defined in worlds with lifetimes, such
    as Recall.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      meta: what holds for ``meta`` alone, :class:`regimax.regimes.options.MetaPhase`.
      life: what holds for ``life`` alone, :class:`regimax.regimes.options.LifePhase`.
      name: the regime's; ``in_context`` when not given.
      **options: `network` and `evaluate` serve both phases, `stop` is that of ``life``; as declared by
        :class:`regimax.regimes.options.Lifetimes`:

    Raises:
      UserError: for an unknown option, also of a phase, another `memory`, or `updates` that are not two.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.in_context().phases[1].freeze
      ('trunk', 'policy')
    """
    return _of_life("in_context", updates, meta, life, name, options, shown=1.0, learns=False)


@checked
def continual(
    updates: tuple[int, int] = (1000, 1000),
    *,
    meta: MetaPhase = MetaPhase(),
    life: LifePhase = LifePhase(),
    name: str | None = None,
    **options: Unpack[Lifetimes],
) -> Regime:
    """Makes the regime of learning to remember likewise, then living with weights that go on learning.

    What lasts is never in context.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      meta: what holds for ``meta`` alone, :class:`regimax.regimes.options.MetaPhase`.
      life: what holds for ``life`` alone, :class:`regimax.regimes.options.LifePhase`.
      name: the regime's; ``continual``, or ``continual-irrelevant`` for that control, when not given.
      **options: as for :func:`in_context`:

    Raises:
      UserError: as :func:`in_context`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.continual(irrelevant=True).name
      'continual-irrelevant'
    """
    return _of_life("continual", updates, meta, life, name, options, shown=0.0, learns=True)


@checked
def continual_in_context(
    updates: tuple[int, int] = (1000, 1000),
    shown: float = 1.0,
    *,
    meta: MetaPhase = MetaPhase(),
    life: LifePhase = LifePhase(),
    name: str | None = None,
    **options: Unpack[Lifetimes],
) -> Regime:
    """Makes the regime of learning to remember likewise, then learning in weights with what lasts in context, too.

    Args:
      updates: the budgets of ``meta`` and ``life``.
      shown: share of the sequences with what lasts in context. What is always in context need not be known by heart:
        weights may learn to rely on it.
      meta: what holds for ``meta`` alone, :class:`regimax.regimes.options.MetaPhase`.
      life: what holds for ``life`` alone, :class:`regimax.regimes.options.LifePhase`.
      name: the regime's; when not given ``continual_in_context``, with what is not usual:
        ``continual_in_context-0.5-irrelevant``.
      **options: as for :func:`in_context`:

    Raises:
      UserError: as :func:`in_context`.

    Example:
      >>> import regimax as rx
      >>> often = rx.regimes.Evaluate(every=100, episodes=64)
      >>> rx.regimes.continual_in_context(shown=0.5, life={"evaluate": often}).name
      'continual_in_context-0.5'
    """
    automatic = "continual_in_context" if shown == 1 else f"continual_in_context-{shown:g}"
    return _of_life(automatic, updates, meta, life, name, options, shown=shown, learns=True)


def _of_life(
    automatic: str,
    updates: tuple[int, int],
    meta: MetaPhase,
    life: LifePhase,
    name: str | None,
    options: Lifetimes,
    *,
    shown: float,
    learns: bool,
) -> Regime:
    first, second = budgets(automatic, updates, meta=meta, life=life)
    living = chosen(Life, options, life)
    if name is None:
        name = f"{automatic}-irrelevant" if living.get("irrelevant") else automatic
    remembering = meta_train(first, **chosen(Meta, options, {"stop": None}, meta))
    return Regime(name, (remembering, continual_phase(second, shown=shown, learns=learns, **living)))
