"""Craftax-Classic with symbolic observations. Install it with ``pip install 'regimax[craftax]'``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regimax.envs.gymnax import Gymnax, Known, adapt
from regimax.envs.imported import imported
from regimax.errors import unknown
from regimax.types import Array, PyTree, Spec

KNOWN = {"Craftax-Classic-Symbolic-v1": Known(19.8, (-0.9, 1.0), 145.0)}
"""An episode pays at most 22, 1 for each achievement, and about 90 % of that is what a billion steps of PPO reach; lost
health costs 0.1 a point."""


@dataclass(frozen=True)
class Craftax(Gymnax):
    """A world of Craftax; made by :func:`make`."""

    @property
    def spec(self) -> Spec:
        return ("craftax", *super().spec[1:])

    @property
    def limit(self) -> int:
        return int(self.params.max_timesteps)

    def _ends(self, env: PyTree, ended: Array) -> tuple[Array, Array]:
        """Craftax says `ended` of the end of the time too; death is told by asking without a limit."""
        died = self.env.is_terminal(env, self.params.replace(max_timesteps=2**30))
        return died, ended & ~died


def make(
    id: str = "Craftax-Classic-Symbolic-v1",
    solved: float | None = None,
    reward_range: tuple[float, float] | None = None,
    stream_steps: int | None = None,
    episode_steps: float | None = None,
    **options: Any,
) -> Craftax:
    """Makes a world of Craftax.

    The map is drawn anew for every episode, which is costly: a reset is paid on every step of a vectorised stream.
    Evaluations play whole episodes, so give a limit that you can afford.

    Args:
      id: only ``Craftax-Classic-Symbolic-v1``.
      solved: return of an episode that counts as a success, reward units; 19.8 of 22 when not given.
      reward_range: smallest and largest reward of a step, over which a reward channel with levels has them.
      stream_steps: steps of a transcript, the first of an episode; 128, or those of the longest episode if it is
        shorter, when not given.
      episode_steps: steps of an episode on average, which the capacities of channels per step are reckoned with; those
        of random behaviour, which were measured, when not given.
      **options: fields of Craftax's `EnvParams`, for example ``max_timesteps=500``.

    Returns:
      the world.

    Raises:
      UserError: if Craftax is not installed or fails beside the jax that is, there is no such world, an option does
        not exist, or an episode or a transcript has no steps.

    Reference:
      Matthews et al., Craftax: a lightning-fast benchmark for open-ended reinforcement learning (2024).
    """
    made = imported("craftax.craftax_env", "Craftax", id, "'regimax[craftax]'").make_craftax_env_from_name
    if id not in KNOWN:
        raise unknown("world of Craftax", id, KNOWN)
    env = made(id, auto_reset=False)
    return adapt(  # type: ignore[return-value]
        Craftax, id, env, env.default_params, KNOWN[id], solved, reward_range, stream_steps, episode_steps, options
    )
