"""What can be typed: one class per command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

SpecFile = Annotated[Path, tyro.conf.Positional]
RunDir = Annotated[Path, tyro.conf.Positional]
Assignments = Annotated[
    tuple[tuple[str, ...], ...], tyro.conf.arg(name="set", metavar="AXIS=V1,V2"), tyro.conf.UseAppendAction
]


@dataclass(frozen=True)
class Run:
    """Run a sweep or a claim, or go on where it was interrupted: the same command, typed again.

    A finished run says so and does nothing. A directory that holds another sweep is refused.
    """

    spec: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SPEC]")] = None
    """A Python file that defines `sweep = regimax.Sweep(...)` or `claim = regimax.Claim(...)`, or the name of one that
    comes with regimax (see `regimax list`); with --all, a folder of such files."""
    all: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run every claim file of the folder, one after the other, or every sweep file where it holds no claim; `sweeps`
    and `sweeps/calibration` are those that come with regimax."""
    small: bool = False
    """Of claims: their small sweeps; they are run when not given."""
    full: bool = False
    """Of claims: their full sweeps."""
    out: Path | None = None
    """The run directory; runs/NAME of the file when not given. With --all, the folder for all of them; runs."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes, and 1e-4..1e-1/7 stands for seven
    values with equal ratios (/7/lin: equal differences)."""
    block: int | None = None
    """Lanes per vmapped product, instead of the file's or of what suits the platform; last digits may depend on it."""
    width: int | None = None
    """Lanes side by side; results do not depend on it."""
    precision: str | None = None
    """Of products, instead of the file's: default, high or highest; a GPU's default may be TF32, with 10 bits."""
    deterministic: bool = False
    """On a GPU, leave out operations whose results differ from call to call."""
    autotune: bool = True
    """On a GPU, let the compiler time products to choose the fastest code; the choice may change last digits."""
    devices: int | None = None
    """Devices to use; a CPU is split into one per core, or per block of cells where those are fewer, when not given."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints, or more where they would take over 2 % of the run; 0 is for one after every tick."""
    extend: bool = False
    """Go on with more in a run directory, where what is committed is used again: more seeds, values or regimes, an axis
    with a value for what was run without it, a longer last phase, another threshold."""
    yes: bool = False
    """With --extend: do not ask before finished stages are run again, as their learners were not kept."""
    part: str | None = None
    """I/N: run the I-th of N shares of about equal work, in a directory of its own, runs/NAME.I-of-N if not given;
    `regimax merge` joins them. What goes on from one phase is in one share."""
    backend: Literal["here", "processes", "ray"] = "here"
    """Where: in this process; in processes of this machine, with cores of their own; on a Ray cluster (extra ray).
    The last two run shares of the sweep and join them; a worker that is lost costs what it had not committed."""
    workers: int | None = None
    """Tasks at once, of a backend that has them: one per core, or accelerator of the cluster, when not given."""
    shares: int | None = None
    """Shares that they take, one after the other; when not given 16 a worker, or fewer where there is little to do."""
    address: str | None = None
    """Of a running Ray cluster, where --out is on storage that all nodes see; one is started here when not given."""
    hang_seconds: float | None = None
    """Without a commit, after which a worker is taken for hung and its share begun again, twice as many each time in a
    row; 1800, or ten times --checkpoint-every where that is more, when not given."""
    accept_versions: bool = False
    """Go on with a run of other versions of jax, jaxlib or regimax, another device or other options of the compiler;
    the table and the report then say which cells were computed under which."""


@dataclass(frozen=True)
class Plan:
    """Say what a sweep or a claim would run. Nothing is written."""

    spec: SpecFile
    """The sweep file or claim file, or the name of one that comes with regimax."""
    full: bool = False
    """Of a claim: its full sweeps."""
    seeds: int | None = None
    """Number of seeds, instead of the file's."""
    assignments: Assignments = ()
    """Values of axes, instead of the file's; `regime=a,b` keeps those regimes, and 1e-4..1e-1/7 stands for seven
    values with equal ratios (/7/lin: equal differences)."""
    block: int | None = None
    """Lanes per vmapped product, instead of the file's or of what suits the platform; last digits may depend on it."""
    json: bool = False
    """Print JSON."""
    measure: bool = False
    """Compile every program and time a block of it, to say how long the run would take."""
    target: str | None = None
    """Compile for a chip that need not be there: h200, v5e, v5p, v6e or a file; needs the extra gpu or tpu."""


@dataclass(frozen=True)
class Merge:
    """Join the shares of a sweep that `regimax run --part I/N` has run apart into what one run would have left."""

    shares: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SHARE ...")]
    """The run directories of all shares, in any order."""
    out: Path
    """The run directory to make."""
    partial: bool = False
    """Join what is there, where shares are missing or not finished; `regimax run` with this --out runs the rest."""


@dataclass(frozen=True)
class Table:
    """Print results: medians per setting, or one row per cell."""

    run: RunDir
    """The run directory."""
    format: Literal["text", "csv", "json", "parquet"] = "text"
    """How to print it; all but text have one row per cell, and parquet goes to standard output."""
    cells: bool = False
    """As text, too, one row per cell."""
    columns: tuple[str, ...] = ()
    """Columns to print, instead of those that matter most; of cells, or their medians per setting."""
    all_columns: bool = False
    """As text, too, every column, one row per cell."""


@dataclass(frozen=True)
class Report:
    """Write RUN/report.html: learning curves and a table, self-contained."""

    run: RunDir
    """The run directory."""
    watch: bool = False
    """Renew it whenever the run has committed more, until it is complete; a browser that shows it does the same."""


@dataclass(frozen=True)
class Export:
    """Write results for another program, from a finished or a running sweep; needs the extra export, but for csv.

    csv: cells.csv, curves.csv, probes.csv. netcdf: one xarray data set. tensorboard, wandb: a run per cell; those of
    wandb are offline, and `wandb sync` sends them. Export again, and the folder is renewed.
    """

    run: RunDir
    """The run directory."""
    to: Literal["csv", "netcdf", "tensorboard", "wandb"]
    """What for."""
    out: Path | None = None
    """The folder; RUN-csv and so on, beside the run, when not given."""


@dataclass(frozen=True)
class Claims:
    """Judge claims: a table of verdicts, and ROOT/claims.html with how each was come by.

    Each is judged by the rule that its run began with: the copy of its file that its directory keeps is executed, where
    it is still the file that was registered when the run began. What is not finished is inconclusive. A directory that
    is damaged is told in a sentence, the others are judged all the same, and the exit code is 2.
    """

    root: Annotated[Path, tyro.conf.Positional]
    """The folder that holds the claims' run directories, or one of them."""
    json: bool = False
    """Print JSON."""
    current: bool = False
    """Judge by the claim files as they are now; the page says so where they have changed."""
    trust: bool = False
    """Execute the copies of claim files even where they are not what was registered."""


@dataclass(frozen=True)
class Bench:
    """Measure how fast regimax is here, and what of the machine it uses.

    Workloads: ppo-cartpole, ppo-breakout, cipher-pretrain, cipher-rl, cipher-transformer, exemplar-rl, sweep-flagship.
    Each is run at several widths, beside ceilings that are measured in the same run. One that needs a package that is
    not installed is left out.
    """

    workloads: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[WORKLOAD ...]")] = ()
    """What to run; when none is named, all but ppo-breakout and sweep-flagship."""
    all: bool = False
    """Run every workload."""
    widths: tuple[int, ...] = ()
    """Numbers of lanes, instead of a ladder."""
    block: int | None = None
    """Lanes per vmapped product; 8 on a CPU, and all lanes of a device on an accelerator, when not given."""
    repetitions: int = 3
    """Repetitions of every width; three will do where they take long."""
    devices: int | None = None
    """Devices that a CPU is split into; one per core when not given."""
    json: Path | None = None
    """Write the result to this file."""
    against: Path | None = None
    """Compare with this file, which another `regimax bench --json` has written."""
    plot: Path | None = None
    """Draw the rates into this HTML file."""


@dataclass(frozen=True)
class New:
    """Write a sweep file to begin with, with a comment on every part, or what begins one on a cluster.

    An existing file is left as it is.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """What to call it: NAME or NAME.py."""
    like: str = "template"
    """Copy this one instead, of those that come with regimax (see `regimax list sweeps`, and `regimax list jobs` for
    SLURM and Kubernetes)."""


@dataclass(frozen=True)
class List:
    """List what there is: sweeps, worlds, channels, regimes, networks, learners, objectives, sources, probes, jobs."""

    kind: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[KIND]")] = None
    """Of one kind only."""
