"""Experience as it was seen, and once more as its augmented views show it."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from regimax.errors import UserError
from regimax.sources import Source
from regimax.types import Array, Trajectory


def check_views(source: Source) -> None:
    """Refuses a source whose trajectories hold no augmented views.

    Raises:
      UserError: saying how they are had.
    """
    if not getattr(source.world, "augmented_views", False):
        raise UserError(f"augment: the world {source.world.name} has no augmented views")
    if "augmented_view" not in source.record:
        raise UserError("augment: the source keeps no augmented views; give record=('augmented_view',)")


def with_views(trajectory: Trajectory, log_prob: Callable[[Trajectory], Array]) -> Trajectory:
    """Puts the same steps beside a trajectory as their augmented views show them.

    Actions, rewards and values are those of the steps; only what was seen differs, and how likely the action was there.
    Where no augmented view arrived the step stands there twice.

    Args:
      trajectory: `[T, E, ...]` with the extras ``augmented_view`` `[T, E, D]`, ``augmented_view_present`` `[T, E]` and
        ``log_prob`` `[T, E]`.
      log_prob: `trajectory -> [T, E]`, how likely its actions are under the policy that acted, nats.

    Returns:
      the trajectory, `[T, 2E, ...]`: first the streams as they were seen.

    Reference:
      Laskin et al., Reinforcement learning with augmented data (2020), with both looks instead of the other one; so an
      update averages over views, as in Kostrikov et al., Image augmentation is all you need (2021).
    """
    arrived = trajectory.extras["augmented_view_present"][..., None] > 0
    viewed = trajectory._replace(obs_tm1=jnp.where(arrived, trajectory.extras["augmented_view"], trajectory.obs_tm1))
    viewed = viewed._replace(extras=viewed.extras | {"log_prob": log_prob(viewed)})
    rest = jax.tree.map(twice, trajectory._replace(carry=()), viewed._replace(carry=()))
    return rest._replace(carry=jax.tree.map(lambda carry: jnp.concatenate([carry, carry]), trajectory.carry))


def twice(one: Array, other: Array) -> Array:
    """Puts streams beside streams: `[T, E, ...]` and `[T, E, ...]` become `[T, 2E, ...]`."""
    return jnp.concatenate([one, other], axis=1)
