"""Stateless mathematics on one stream; the caller vmaps."""

from regimax.ops import information, linear, losses, returns, superposition, trees

__all__ = ["information", "linear", "losses", "returns", "superposition", "trees"]
