"""Quantiles that intervals are made of, each computed once: a report asks for the same few thousands of times."""

from __future__ import annotations

from functools import cache

import scipy


@cache
def normal_quantile(probability: float) -> float:
    """Returns the number below which a standard normal one lies with this probability.

    Example:
      >>> round(normal_quantile(0.975), 4)
      1.96
    """
    return float(scipy.stats.norm.ppf(probability))


@cache
def sign_rank(worlds: int, confidence: float) -> int:
    """Returns the largest r with P(Binomial(n, ½) < r) ≤ (1 - confidence) / 2: 0 where there is none.

    Between the rth smallest and the rth largest of n numbers lies their population's median, this often at least.

    Example:
      >>> sign_rank(16, 0.95), sign_rank(5, 0.95)
      (4, 0)
    """
    return int(scipy.stats.binom.ppf((1.0 - confidence) / 2, worlds, 0.5))
