"""From a claim written down beforehand to a verdict with its uncertainty, on a page with all the others.

A claim file holds, as data, what is asked, the sweeps that answer it, the grid over which every arm is tuned on worlds
of its own, and the rule that turns the results into a verdict. `run_claim` keeps a copy of the file before anything
runs; `judge` applies the rule of that copy.
"""

from __future__ import annotations

from regimax.claims.claim import Claim, Tuning, load_claim
from regimax.claims.pilot import Pilot

__all__ = ["Claim", "Pilot", "Tuning", "load_claim"]
