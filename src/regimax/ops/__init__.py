"""Stateless mathematics on one stream; the caller vmaps.

Where a scalar is asked for, a number of Python or NumPy does. An array with an axis more than is written is chex's
`AssertionError`, while it is traced.
"""

from regimax.ops import information, linear, losses, memory, moments, returns, superposition, trees

__all__ = ["information", "linear", "losses", "memory", "moments", "returns", "superposition", "trees"]
