"""Observations normalised by running statistics, in front of any network."""

from __future__ import annotations

from collections.abc import Mapping

from regimax.errors import UserError
from regimax.factories import once
from regimax.networks.base import STATISTICS, Code, Network, NetworkFactory, made_once
from regimax.ops.moments import Moments, merge, no_moments, normalize
from regimax.types import Array, Params, PyTree, is_finite, number


@once
def normalize_observations(network: NetworkFactory, clip: float = 10.0) -> NetworkFactory:
    r"""Puts running statistics in front of a network, which sees observations centred and scaled by them.

    .. math:: x' = \mathrm{clip}\left((x - \mu) / \sqrt{\sigma^2 + 10^{-8}}, \pm c\right)

    The statistics are a part of the parameters, ``observation_statistics``: no gradient trains them; after each update
    a learner takes in what its rollout has shown it, behind the channels of the senses. So a rollout is acted on and
    learnt from with the same ones, and an evaluation changes none. The first rollout is seen as it is. Phases that
    inherit the part ``trunk`` inherit them with it, and where ``trunk`` is frozen they stand still.

    A learner on such a network has one more setting, `normalize_observations`: at 0 the statistics stay as the phase
    began with them, and fresh ones normalise nothing. As an axis, ``"rl.normalize_observations": [0, 1]``, it is one
    program, of the same FLOPs; the network without them costs less.

    Args:
      network: what sees them; of its inputs each number has statistics of its own, one-hot codes too.
      clip: c, the largest number that it sees, standard deviations.

    Returns:
      a factory `(num_inputs, heads) -> Network`, for actor-critics, prediction and Q-learning.

    Raises:
      UserError: for a clip that is not a number above 0, or, once it is made, a network that has statistics already.

    Reference:
      Andrychowicz et al., What matters in on-policy reinforcement learning? (2021), section 3.3 (choices C64
      and C65).

    Example:
      >>> import jax
      >>> from regimax.networks import mlp
      >>> net = normalize_observations(mlp((4,)))(3, {"policy": 2})
      >>> jax.tree.map(jax.numpy.shape, net.init(jax.random.key(0))["observation_statistics"])
      {'count': (), 'mean': (3,), 'variance': (3,)}
    """
    found = number(clip)
    if not (is_finite(found) and found > 0):
        raise UserError(f"normalize_observations: clip = {found!r} is not a number above 0")

    @made_once
    def factory(num_inputs: int, heads: Mapping[str, int]) -> Network:
        inner = network(num_inputs, heads)
        if inner.observe is not None:
            raise UserError("normalize_observations: the network has running statistics already")

        def init(key: Array) -> Params:
            return inner.init(key) | {STATISTICS: no_moments(num_inputs)._asdict()}

        def apply(
            params: Params, carry: PyTree, x: Array, first: Array, code: Code | None
        ) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
            return inner.apply(params, carry, normalize(Moments(**params[STATISTICS]), x, found), first, code)

        def observe(params: Params, x: Array, weight: Array) -> Params:
            rows = x.reshape(-1, num_inputs), weight.reshape(-1)
            return params | {STATISTICS: merge(Moments(**params[STATISTICS]), *rows)._asdict()}

        spec = ("normalize_observations", float(found), inner.spec)
        return inner._replace(init=init, apply=apply, observe=observe, spec=spec)

    return factory
