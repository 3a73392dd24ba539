"""What it takes to learn from reward alone which of many looks belong to which value."""

from __future__ import annotations

import math

from regimax.ops import information


def assignment_bits(values: int, looks: int) -> float:
    r"""Returns the bits of a balanced assignment, :math:`\log_2 \frac{(VM)!}{(M!)^V}`.

    Args:
      values: V.
      looks: M of each.

    Example:
      >>> round(assignment_bits(values=4, looks=32), 2)
      245.51
    """
    return information.log2_factorial(values * looks) - values * information.log2_factorial(looks)


def episodes_floor(values: int, looks: int, success: float) -> float:
    """Returns the episodes of one decision each that half of the worlds need at least for a success rate.

    Of all balanced assignments of the VM looks to answers, a policy is right often enough in those that differ from its
    own in at most (1 − success)·VM looks; every episode tells one bit.

    Args:
      values: V, the answers too.
      looks: M of each.
      success: θ, a probability.

    Example:
      >>> round(episodes_floor(values=4, looks=32, success=0.9))
      171
    """
    number = values * looks
    wrong = int((1.0 - success) * number + 1e-9)
    near = sum(math.comb(number, i) * (values - 1) ** i for i in range(wrong + 1))
    return max(0.0, assignment_bits(values, looks) - math.log2(near) - 1.0)
