"""Regimes of reinforcement learning alone: on what is observed, or on what the world is made of."""

from __future__ import annotations

from typing import Unpack

from regimax import envs
from regimax.regimes.base import Regime
from regimax.regimes.keywords import checked
from regimax.regimes.options import Rl
from regimax.regimes.phases import reinforce


@checked
def pure_rl(updates: int = 1000, *, name: str | None = None, **options: Unpack[Rl]) -> Regime:
    """Makes the regime of reinforcement learning from scratch.

    Args:
      updates: the budget of ``rl``.
      name: the regime's; ``pure_rl`` when not given.
      **options: as declared by :class:`regimax.regimes.options.Rl`:

    Raises:
      UserError: for an unknown option, or another `finetune`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.pure_rl(500, network=rx.networks.mlp((64,)), stop=rx.regimes.Stop("success", 0.9, 3)).name
      'pure_rl'
    """
    return Regime("pure_rl" if name is None else name, (reinforce(updates, **options),))


@checked
def oracle(updates: int = 1000, *, name: str | None = None, **options: Unpack[Rl]) -> Regime:
    """Makes the regime of reinforcement learning on the world's concepts instead of its observations.

    Args:
      updates: the budget of ``rl``.
      name: the regime's; ``oracle`` when not given.
      **options: as declared by :class:`regimax.regimes.options.Rl`:

    Raises:
      UserError: for an unknown option, or another `finetune`.

    Example:
      >>> import regimax as rx
      >>> rx.regimes.oracle(500).phases[0].world is rx.envs.Oracle
      True
    """
    return Regime("oracle" if name is None else name, (reinforce(updates, **options)._replace(world=envs.Oracle),))
