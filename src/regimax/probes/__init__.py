"""Probes: read-only measurements."""

from regimax.probes._attempts import attempts
from regimax.probes._causal import causal
from regimax.probes._concepts import concepts
from regimax.probes._consolidation import consolidation
from regimax.probes._plasticity import plasticity
from regimax.probes._room import room
from regimax.probes._superposition import superposition
from regimax.probes.base import Probe, ProbeFactory, Subject
from regimax.probes.effort import count_flops, split_flops

__all__ = [
    "Probe",
    "ProbeFactory",
    "Subject",
    "attempts",
    "causal",
    "concepts",
    "consolidation",
    "count_flops",
    "plasticity",
    "room",
    "split_flops",
    "superposition",
]
