"""Probes: read-only measurements."""

from regimax.probes.effort import count_flops

__all__ = ["count_flops"]
