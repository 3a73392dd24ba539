"""Results for the programs that people already have: CSV, netCDF, TensorBoard, Weights & Biases. Nothing of JAX.

What is exported is what the run has committed, finished or not; export again, and the folder is renewed.

Example:
  >>> from regimax.export import WRITERS
  >>> sorted(WRITERS)
  ['csv', 'netcdf', 'tensorboard', 'wandb']
"""

from __future__ import annotations

from regimax.export._export import WRITERS, export
from regimax.export._rows import Results, results

__all__ = ["WRITERS", "Results", "export", "results"]
