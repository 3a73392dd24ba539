"""Stateless mathematics on one stream; the caller vmaps."""

from regimax.ops import information, linear, losses, returns, superposition

__all__ = ["information", "linear", "losses", "returns", "superposition"]
