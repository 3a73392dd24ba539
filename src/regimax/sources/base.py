"""What every source promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from regimax.channels import Channel, code_of
from regimax.networks import Code
from regimax.prng import Keys
from regimax.rollout import Policy
from regimax.types import Array, Field, HParams, Metrics, PyTree, Setting, Spec, Trajectory, count


class Source(NamedTuple):
    """Experience for one update at a time.

    Attributes:
      init: `(keys, hparams, carry) -> state`; `carry` is the policy's empty memory as `num_envs -> carry`. The state
        holds ``world``, the hidden structure.
      next: `(key, state, policy, hparams) -> (state, trajectory)`; `policy` is None for a source that does not ask the
        learner.
      world: the world it draws from.
      num_envs: `E`, streams side by side.
      num_steps: `T`, steps per update.
      agentic: whether its steps are the learner's own (environment steps) or others' (unlabelled observations).
      channels: what observations, decisions and rewards go through; for others' transcripts, those of
        senses and abstraction only.
      settings: the traced settings it may read, world's and channels'.
      spec: what it is.
      others_act: whether it shows others at work, whose actions can be predicted.
      record: what its trajectories hold beside, see :func:`own_behaviour`.
      is_model: whether its steps are taken in a model: they cost FLOPs, and are no steps of the world.
      fresh: `(key, state, hparams, number) -> trajectory`, as many streams of the world as it is now, which an
        evaluation may look at without anything going on; None where the source has no life that goes on.
      received: `state -> metrics`, what the last `next` brought of rewards; a program reports it with the learner's own
        metrics.
    """

    init: Callable[[Keys, HParams, Callable[[int], PyTree]], PyTree]
    next: Callable[[Array, PyTree, Policy | None, HParams], tuple[PyTree, Trajectory]]
    world: Any
    num_envs: int
    num_steps: int
    agentic: bool
    channels: tuple[Channel, ...]
    settings: tuple[Setting, ...]
    spec: Spec
    others_act: bool = False
    record: tuple[str, ...] = ()
    is_model: bool = False
    fresh: Callable[[Array, PyTree, HParams, int], Trajectory] | None = None
    received: Callable[[PyTree], Metrics] = lambda state: {}

    @property
    def steps(self) -> tuple[int, int]:
        """Environment steps, and others' steps, per update."""
        number = 0 if self.is_model else self.num_envs * self.num_steps
        return (number, 0) if self.agentic else (0, number)

    def code(self, hparams: HParams) -> Code | None:
        """Returns what features go through on their way to the heads of a network that learns or acts here."""
        return code_of(self.channels, hparams)

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.world.fields

    @property
    def num_inputs(self) -> int:
        """`D`."""
        return sum(field.size for field in self.world.fields)


class SourceFactory(Protocol):
    """Makes a source for a world and channels; `num_steps` overrides the steps per update."""

    def __call__(self, world: Any, channels: Sequence[Channel], num_steps: int | None) -> Source: ...


def check_streams(name: str, number: Any, what: str = "num_envs") -> int:
    """Returns a number of streams, or of `what`, as an int.

    Raises:
      UserError: if it is no positive whole number.
    """
    return count(number, f"{name}: {what}")


def declared(world: Any, names: Sequence[str]) -> tuple[Setting, ...]:
    """Returns those settings of a world that are among `names`."""
    return tuple(setting for setting in world.settings if setting.name in names)
