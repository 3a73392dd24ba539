"""Information, in bits."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy

from regimax.shapes import check_shapes
from regimax.types import Array

LOG2 = 0.6931471805599453


def binary_entropy(p: Array | float) -> Array:
    r"""Returns the entropy of a coin, :math:`h(p) = -p \log_2 p - (1-p) \log_2 (1-p)`, in bits.

    Args:
      p: any shape, probabilities.

    Returns:
      the same shape, bits.

    Example:
      >>> print(binary_entropy(0.5))
      1.0
    """
    p = jnp.asarray(p, jnp.float32)
    return -(xlogy(p, p) + xlogy(1.0 - p, 1.0 - p)) / LOG2


def symmetric_capacity(levels: Array | float, flip: Array | float) -> Array:
    r"""Returns the capacity of a symmetric channel, :math:`\log_2 L - h(q) - q \log_2 (L-1)`, in bits per use.

    Args:
      levels: L ≥ 2, the size of the alphabet.
      flip: q, the probability that a symbol arrives as another one, uniformly among the others.

    Returns:
      bits per use, of the shape of the arguments.

    Reference:
      Cover and Thomas, Elements of Information Theory, section 7.2.

    Example:
      >>> print(symmetric_capacity(2, 0.0))
      1.0
    """
    levels, flip = jnp.asarray(levels, jnp.float32), jnp.asarray(flip, jnp.float32)
    return jnp.log2(levels) - binary_entropy(flip) - flip * jnp.log2(jnp.maximum(levels - 1.0, 1.0))


def symmetric_bits(levels: float, flip: float) -> float:
    """Returns the capacity of a symmetric channel, bits per use, for numbers of the host, in float64.

    Example:
      >>> symmetric_bits(4, 0.0), symmetric_bits(2, 0.5)
      (2.0, 0.0)
    """
    lost = -sum(p * math.log2(p) for p in (flip, 1.0 - flip) if p > 0.0)
    return math.log2(levels) - lost - flip * math.log2(max(levels - 1.0, 1.0))


def zeroed_capacity(levels: float, erasure: float) -> float:
    r"""Returns the capacity of a channel whose lost symbols read as one of them, bits per use; on the host, in float64.

    .. math:: \log_2 (1 + k), \quad k = (L-1)\, 2^{-h(e)/(1-e)}

    or, where the symbol that others read as is better never sent, :math:`k / (1 + k) > 1 - e`,
    :math:`(1-e) \log_2 (L-1)`. With two levels it is the Z-channel.

    Args:
      levels: L ≥ 2, the size of the alphabet, the zero included.
      erasure: e, the probability that another symbol arrives as zero.

    Reference:
      Cover and Thomas, Elements of Information Theory, problem 7.8, for L = 2.

    Example:
      >>> round(zeroed_capacity(2, 0.5), 4), zeroed_capacity(4, 0.0), zeroed_capacity(4, 1.0)
      (0.3219, 2.0, 0.0)
    """
    if erasure >= 1.0:
        return 0.0
    kept = 1.0 - erasure
    noise = -kept * math.log2(kept) - (erasure * math.log2(erasure) if erasure > 0.0 else 0.0)
    others = (levels - 1.0) * 2.0 ** (-noise / kept)
    return math.log2(1.0 + others) if others / (1.0 + others) <= kept else kept * math.log2(levels - 1.0)


def log2_factorial(n: float) -> float:
    """Returns log2 n!, the bits of a random permutation of `n` things; on the host, in float64.

    Example:
      >>> round(log2_factorial(4), 3)
      4.585
    """
    return math.lgamma(n + 1.0) / LOG2


def log2_binomial(n: float, k: float) -> float:
    """Returns log2 C(n, k), the bits of a random choice of `k` things among `n`; on the host, in float64.

    Example:
      >>> round(log2_binomial(4, 2), 3)
      2.585
    """
    return log2_factorial(n) - log2_factorial(k) - log2_factorial(n - k)


def entropy(probs: Array) -> Array:
    r"""Returns the entropy :math:`-\sum_x p(x) \log_2 p(x)`, in bits.

    Args:
      probs: `[K]`, a distribution.

    Returns:
      `[]`, bits.

    Example:
      >>> print(entropy(jnp.array([0.5, 0.25, 0.25])))
      1.5
    """
    check_shapes("information.entropy", probs=(probs, "K"))
    return -jnp.sum(xlogy(probs, probs)) / LOG2


def sampled_entropy(counts: Array) -> Array:
    r"""Estimates an entropy from counts, in bits: that of the frequencies, plus :math:`(K-1) / (2 N \ln 2)`.

    K values were seen in N samples; it is 0 for no samples.

    Args:
      counts: `[K]`, how often each value was seen; the samples must be independent of each other.

    Accuracy:
      what remains of the bias is of order 1/N².

    Reference:
      Miller, Note on the bias of information estimates (1955).

    Example:
      >>> print(sampled_entropy(jnp.array([512.0, 512.0])).round(3))
      1.001
    """
    check_shapes("sampled_entropy", counts=(counts, "K"))
    with jax.numpy_dtype_promotion("standard"):  # counts may be whole numbers, and numbers of values are
        total = jnp.maximum(counts.sum(), 1.0)
        values = jnp.maximum((counts > 0).sum() - 1.0, 0.0)
        return entropy(counts / total) + values / (2.0 * total * LOG2)


def kl_divergence(probs: Array, other: Array) -> Array:
    r"""Returns the relative entropy :math:`\sum_x p(x) \log_2 p(x)/q(x)`, in bits; infinite where q lacks what p has.

    Args:
      probs: `[K]`, p.
      other: `[K]`, q.

    Returns:
      `[]`, bits.

    Example:
      >>> print(kl_divergence(jnp.array([1.0, 0.0]), jnp.array([0.25, 0.75])))
      2.0
    """
    check_shapes("kl_divergence", probs=(probs, "K"), other=(other, "K"))
    return jnp.sum(jnp.where(probs > 0, xlogy(probs, probs) - xlogy(probs, other), 0.0)) / LOG2


def mutual_information(joint: Array) -> Array:
    r"""Returns the mutual information :math:`D(p(x, y) \| p(x) p(y))`, in bits.

    Args:
      joint: `[X, Y]`, a joint distribution.

    Returns:
      `[]`, bits.

    Example:
      >>> print(mutual_information(jnp.eye(4) / 4))
      2.0
    """
    check_shapes("mutual_information", joint=(joint, "X Y"))
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    return kl_divergence(joint.ravel(), independent.ravel())


class Estimate(NamedTuple):
    """Information estimated from samples, all `[]`, in bits.

    Attributes:
      bits: the plug-in estimate less its bias and less `null`; not clipped, so it averages to zero for nothing.
      plug_in: of the table of counts, biased upwards.
      null: what the bias-corrected estimate comes to with one column shuffled, on average.
    """

    bits: Array
    plug_in: Array
    null: Array


def counted_information(counts: Array) -> Array:
    r"""Estimates a mutual information from counts, in bits: that of the frequencies, less its bias.

    The bias is :math:`(|X|-1)(|Y|-1) / (2 N \ln 2)`, X and Y counting the values that occur; it is 0 for no samples.
    Not clipped: it averages to zero for nothing.

    Args:
      counts: `[X, Y]`, how often each pair was seen; the samples must be independent of each other.

    Reference:
      Miller, Note on the bias of information estimates (1955).

    Example:
      >>> round(float(counted_information(jnp.eye(2) * 500.0)), 3)
      0.999
    """
    check_shapes("counted_information", counts=(counts, "X Y"))
    with jax.numpy_dtype_promotion("standard"):  # as above
        total = jnp.maximum(counts.sum(), 1.0)
        values = jnp.maximum((counts.sum(1) > 0).sum() - 1.0, 0.0) * jnp.maximum((counts.sum(0) > 0).sum() - 1.0, 0.0)
        return mutual_information(counts / total) - values / (2.0 * total * LOG2)


def estimate_information(key: Array, x: Array, y: Array, num_x: int, num_y: int, num_shuffles: int = 16) -> Estimate:
    r"""Estimates the mutual information of two discrete variables from pairs.

    The plug-in estimate is too large by about :math:`(|X|-1)(|Y|-1) / (2 N \ln 2)` bits, X and Y counting the values
    that occur; that is subtracted, and so is what remains when y is shuffled.

    Args:
      key: for the shuffles.
      x: `[N]` int32 in 0 … num_x − 1.
      y: `[N]` int32 in 0 … num_y − 1.
      num_x: number of values of x.
      num_y: number of values of y.
      num_shuffles: shuffles that the null is averaged over.

    Returns:
      the estimate. The samples must be independent of each other.

    Reference:
      Miller, Note on the bias of information estimates (1955).

    Example:
      >>> x = jnp.arange(400) % 4
      >>> round(float(estimate_information(jax.random.key(0), x, x, 4, 4).bits), 1)
      2.0
    """
    check_shapes("estimate_information", x=(x, "N"), y=(y, "N"))

    def counts(y: Array) -> Array:
        return jnp.zeros((num_x, num_y)).at[x, y].add(1.0)

    shuffled = jax.vmap(lambda k: counted_information(counts(jax.random.permutation(k, y))))
    null = shuffled(jax.random.split(key, num_shuffles)).mean()
    table = counts(y)
    return Estimate(counted_information(table) - null, mutual_information(table / x.shape[0]), null)


def policy_throughput(policy: Array, states: Array | None = None) -> Array:
    r"""Returns the information that actions carry about states, in bits.

    .. math:: I(S; A) = E_s\, D(\pi(\cdot|s) \| \bar\pi)

    A policy's randomness is noise and does not count: a uniform one carries nothing.

    Args:
      policy: `[S, A]`, a distribution over actions for each state.
      states: `[S]`, how often each state occurs; equally when None.

    Returns:
      `[]`, bits.

    Reference:
      Tishby and Polani, Information theory of decisions and actions (2011).

    Example:
      >>> print(policy_throughput(jnp.eye(4)), policy_throughput(jnp.full((4, 4), 0.25)))
      2.0 0.0
    """
    check_shapes("policy_throughput", policy=(policy, "S A"), states=(states, "S"))
    states = jnp.full(policy.shape[:1], 1.0 / policy.shape[0]) if states is None else states
    return mutual_information(states[:, None] * policy)


def gaussian_capacity(signal: Array | float, noise: Array | float) -> Array:
    r"""Returns the capacity of a Gaussian channel, :math:`\tfrac12 \log_2(1 + S/N)`, in bits per number.

    Args:
      signal: S, largest variance of what is sent.
      noise: N > 0, variance of what is added.

    Returns:
      bits per number, of the shape of the arguments.

    Reference:
      Cover and Thomas, Elements of Information Theory, section 9.1.

    Example:
      >>> print(gaussian_capacity(3.0, 1.0))
      1.0
    """
    return 0.5 * jnp.log2(1.0 + jnp.asarray(signal, jnp.float32) / jnp.asarray(noise, jnp.float32))


def erasure_capacity(bits: Array | float, erasure: Array | float) -> Array:
    r"""Returns the capacity of an erasure channel, :math:`(1-e) b`, in bits per use.

    Args:
      bits: b, of what is sent.
      erasure: e, the probability that it is lost, and seen to be lost.

    Returns:
      bits per use, of the shape of the arguments.

    Reference:
      Cover and Thomas, Elements of Information Theory, section 7.1.5.

    Example:
      >>> print(erasure_capacity(2.0, 0.25))
      1.5
    """
    return (1.0 - jnp.asarray(erasure, jnp.float32)) * jnp.asarray(bits, jnp.float32)


def channel_capacity(channel: Array, num_steps: int = 200) -> tuple[Array, Array]:
    r"""Finds the capacity of any discrete memoryless channel by the algorithm of Blahut and Arimoto.

    Args:
      channel: `[X, Y]`, a distribution over outputs for each input.
      num_steps: iterations. After n of them the capacity is at most :math:`\log_2 |X| / n` too small.

    Returns:
      the capacity, bits per use, and the inputs' distribution `[X]` that reaches it.

    Reference:
      Blahut, Computation of channel capacity and rate-distortion functions (1972).

    Example:
      >>> bits, inputs = channel_capacity(jnp.array([[0.9, 0.1], [0.1, 0.9]]))
      >>> round(float(bits), 4)
      0.531
    """
    check_shapes("channel_capacity", channel=(channel, "X Y"))

    def divergences(inputs: Array) -> Array:
        return jax.vmap(lambda row: kl_divergence(row, inputs @ channel))(channel)

    def step(inputs: Array, _: None) -> tuple[Array, None]:
        logits = jnp.log(inputs) + LOG2 * divergences(inputs)
        return jax.nn.softmax(logits), None

    uniform = jnp.full(channel.shape[:1], 1.0 / channel.shape[0])
    inputs, _ = jax.lax.scan(step, uniform, None, length=num_steps)
    return jnp.sum(inputs * divergences(inputs)), inputs
