"""Probes: read-only measurements."""

from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.probes.causal import causal
from regimax.probes.concepts import concepts
from regimax.probes.consolidation import consolidation
from regimax.probes.effort import count_flops, split_flops
from regimax.probes.plasticity import plasticity
from regimax.probes.superposition import superposition

__all__ = [
    "Probe",
    "ProbeFactory",
    "Subject",
    "causal",
    "concepts",
    "consolidation",
    "count_flops",
    "plasticity",
    "split_flops",
    "superposition",
]
