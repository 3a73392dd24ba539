"""Linear algebra for probes, without LAPACK.

LAPACK's operations on a CPU split a batch over XLA's pool of threads and wait for it in one of them; programs on all
devices at once then wait for each other for ever (see `networks.initializers`). These matrices are small: elimination
and Jacobi's rotations, written out, do.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from regimax.shapes import check_shapes
from regimax.types import Array

_dot = functools.partial(jnp.dot, precision="highest")
"""Products of probes are exact to float32: an accelerator's default is coarser."""


def solve_positive(a: Array, b: Array) -> Array:
    r"""Solves :math:`A X = B` for a symmetric positive definite A, by elimination.

    Args:
      a: `[D, D]`.
      b: `[D, K]`.

    Returns:
      X, `[D, K]`.

    Accuracy: float32; a positive definite matrix needs no pivots. The relative error is about 1e-7 times A's condition.

    Reference:
      Higham, Accuracy and stability of numerical algorithms (2002), section 14.4 (Gauss–Jordan elimination).

    Example:
      >>> print(solve_positive(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([[3.0], [3.0]])).ravel())
      [1. 1.]
    """
    check_shapes("solve_positive", a=(a, "D D"), b=(b, "D K"))

    def eliminate(j: Array, m: Array) -> Array:
        row = m[j] / m[j, j]
        return (m - m[:, j, None] * row[None]).at[j].set(row)

    return jax.lax.fori_loop(0, a.shape[0], eliminate, jnp.concatenate([a, b], axis=1))[:, a.shape[0] :]


def ridge(x: Array, y: Array, penalty: Array | float = 1e-3, weight: Array | None = None) -> tuple[Array, Array]:
    r"""Fits a ridge regression in closed form, with an intercept that is not penalised.

    .. math:: W = (\tilde X^T \tilde X / N + \lambda s I)^{-1} \tilde X^T \tilde Y / N, \quad
              s = \mathrm{tr}(\tilde X^T \tilde X / N) / D

    where a tilde means: less its mean.

    Args:
      x: `[N, D]`.
      y: `[N, K]`.
      penalty: λ > 0, in units of the mean variance of x.
      weight: `[N]` ≥ 0, how much each row counts; equally when None.

    Returns:
      W `[D, K]` and the intercept `[K]`: the prediction is ``x @ W + intercept``.

    Reference:
      Hoerl and Kennard, Ridge regression (1970).

    Example:
      >>> x = jnp.arange(4.0)[:, None]
      >>> w, intercept = ridge(x, 2.0 * x + 1.0, penalty=1e-6)
      >>> print(w.round(3)[0, 0], intercept.round(3)[0])
      2.0 1.0
    """
    check_shapes("ridge", x=(x, "N D"), y=(y, "N K"), weight=(weight, "N"), penalty=(penalty, ""))
    weight = jnp.ones(x.shape[0]) if weight is None else weight
    share = (weight / jnp.maximum(weight.sum(), 1e-9))[:, None]
    mean_x, mean_y = (share * x).sum(0), (share * y).sum(0)
    centred = x - mean_x[None]
    gram = _dot((share * centred).T, centred)
    scale = jnp.maximum(jnp.trace(gram) / x.shape[1], 1e-9)
    w = solve_positive(gram + penalty * scale * jnp.eye(x.shape[1]), _dot((share * centred).T, y - mean_y[None]))
    return w, mean_y - _dot(mean_x, w)


def projection(rows: Array, penalty: float = 1e-4) -> Array:
    r"""Returns the orthogonal projection onto the span of rows, :math:`P = R^T (R R^T + \epsilon I)^{-1} R`.

    Args:
      rows: `[K, D]`, of any rank.
      penalty: ε in units of the mean square length of the rows, which lets the rows depend on each other.

    Returns:
      P, `[D, D]`; zero where all rows are.

    Accuracy: what lies in the span is kept up to a fraction of about ε.

    Example:
      >>> print(projection(jnp.array([[2.0, 0.0], [-2.0, 0.0]])).round(3) + 0.0)
      [[1. 0.]
       [0. 0.]]
    """
    check_shapes("projection", rows=(rows, "K D"), penalty=(penalty, ""))
    gram = _dot(rows, rows.T)
    scale = jnp.maximum(jnp.trace(gram) / rows.shape[0], 1e-12)
    return _dot(rows.T, solve_positive(gram + penalty * scale * jnp.eye(rows.shape[0]), rows))


def linear_cka(x: Array, y: Array) -> Array:
    r"""Tells how alike two representations are by linear centred kernel alignment.

    .. math:: \|\tilde Y^T \tilde X\|_F^2 / (\|\tilde X^T \tilde X\|_F \|\tilde Y^T \tilde Y\|_F)

    It is 1 for representations that agree up to rotation and scale, 0 for unrelated ones.

    Args:
      x: `[N, D]`, one representation of N things.
      y: `[N, E]`, another one of the same things.

    Returns:
      `[]`; 0 where one of them is constant.

    Accuracy: biased upwards by about :math:`\sqrt{d e} / N` for effective dimensions d and e, which N must be well
    above.

    Reference:
      Kornblith et al., Similarity of neural network representations revisited (2019), eq. 5.

    Example:
      >>> x = jax.random.normal(jax.random.key(0), (100, 3))
      >>> print(linear_cka(x, 2.0 * x[:, ::-1] + 1.0).round(3))
      1.0
    """
    check_shapes("linear_cka", x=(x, "N D"), y=(y, "N E"))
    x, y = x - x.mean(0, keepdims=True), y - y.mean(0, keepdims=True)
    norm = lambda a, b: jnp.sqrt(jnp.square(_dot(a.T, b)).sum())
    among = norm(x, x) * norm(y, y)
    return jnp.where(among > 0, jnp.square(norm(x, y)) / jnp.where(among > 0, among, 1.0), 0.0)


def eigenvalues(a: Array, num_sweeps: int = 10) -> Array:
    r"""Finds the eigenvalues of a symmetric matrix by Jacobi's method, all pairs of a round rotated at once.

    Args:
      a: `[D, D]`.
      num_sweeps: how often every pair is rotated; it converges quadratically, and seldom needs more than 8.

    Returns:
      `[D]`, in descending order.

    Accuracy: float32, about 1e-6 of the largest.

    Reference:
      Brent and Luk, The solution of singular-value and symmetric eigenvalue problems on multiprocessor arrays (1985).

    Example:
      >>> print(eigenvalues(jnp.array([[2.0, 1.0], [1.0, 2.0]])).round(4))
      [3. 1.]
    """
    check_shapes("eigenvalues", a=(a, "D D"))
    size = a.shape[0] + a.shape[0] % 2
    half = size // 2
    padded = jnp.zeros((size, size)).at[: a.shape[0], : a.shape[0]].set(a)
    # Place i is paired with place i + half; all but the first then move on by one, around both rows of places.
    top, bottom = list(range(half)), list(range(half, size))
    order = jnp.array([*top[:1], *bottom[:1], *top[1:-1], *bottom[1:], *top[1:][-1:]][:size])

    def rotate(rows: Array, c: Array, s: Array) -> Array:
        p, q = rows[:half], rows[half:]
        return jnp.concatenate([c[:, None] * p - s[:, None] * q, s[:, None] * p + c[:, None] * q])

    def round_(_: Array, m: Array) -> Array:
        places = jnp.arange(half)
        off = m[places, places + half]
        tau = (m[places + half, places + half] - m[places, places]) / (2.0 * jnp.where(off == 0, 1.0, off))
        t = jnp.where(off == 0, 0.0, jnp.where(tau < 0, -1.0, 1.0) / (jnp.abs(tau) + jnp.sqrt(1.0 + tau * tau)))
        c = 1.0 / jnp.sqrt(1.0 + t * t)
        m = rotate(rotate(m, c, t * c).T, c, t * c).T
        return m[order][:, order]

    diagonal = jnp.diagonal(jax.lax.fori_loop(0, num_sweeps * max(size - 1, 1), round_, padded))
    # The zero that pads an odd size is dropped where it is: for a matrix that is not positive, in the middle.
    values = jnp.sort(diagonal)[::-1]
    if size == a.shape[0]:
        return values
    zero = jnp.argmin(jnp.abs(values))
    return jnp.delete(values, zero, assume_unique_indices=True)


def effective_rank(x: Array) -> Array:
    r"""Returns the effective rank of a representation, :math:`\exp H(p)` for singular values p divided by their sum.

    Args:
      x: `[N, D]`, not centred here.

    Returns:
      `[]`, between 1 and the rank; 0 where x is zero.

    Accuracy: singular values below 1e-3 of the largest are rounded, since those of the Gram matrix are taken.

    Reference:
      Roy and Vetterli, The effective rank (2007).

    Example:
      >>> print(effective_rank(jnp.eye(4)).round(3))
      4.0
    """
    check_shapes("effective_rank", x=(x, "N D"))
    # Scaled first: the squares of small features would vanish.
    x = x / jnp.maximum(jnp.abs(x).max(), 1e-30)
    gram = _dot(x.T, x) if x.shape[0] >= x.shape[1] else _dot(x, x.T)
    singular = jnp.sqrt(jnp.maximum(eigenvalues(gram), 0.0))
    total = singular.sum()
    p = singular / jnp.where(total > 0, total, 1.0)
    return jnp.where(total > 0, jnp.exp(-jnp.sum(jax.scipy.special.xlogy(p, p))), 0.0)
