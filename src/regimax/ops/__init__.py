"""Stateless mathematics on one stream; the caller vmaps."""

from regimax.ops import information, losses, returns

__all__ = ["information", "losses", "returns"]
