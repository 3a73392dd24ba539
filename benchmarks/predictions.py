"""What workloads should reach on an H200 at each width, said before one has run them.

A step cannot be faster than three things allow: launching the kernels of an update one after the other, doing its
floating-point operations at the rate of products of such shapes, and moving its memory. The kernels are those that
`regimax plan --target h200` counts (`benchmarks/NOTES.md`), the FLOPs are counted here, and what moves is guessed from
the memory that an update takes beside the state: written once and read once in every pass over a rollout.

    python benchmarks/predictions.py
"""

from regimax.bench.workloads import WORKLOADS
from regimax.regimes import bind_regime
from regimax.train import update_flops

KERNELS = {"ppo-cartpole": 2497, "cipher-rl": 190, "cipher-pretrain": 99, "exemplar-rl": 73}
"""Of an update with its share of the evaluation, at 2,048 lanes; as many at every width."""
TEMPORARY = {"ppo-cartpole": 0.28e6, "cipher-rl": 1.23e6, "cipher-pretrain": 1.22e6, "exemplar-rl": 0.58e6}
"""Bytes a lane, as compiled."""
PASSES = {"ppo-cartpole": 4, "cipher-rl": 1, "cipher-pretrain": 1, "exemplar-rl": 1}
"""Epochs over a rollout."""
WIDTHS = (8, 64, 512, 2048, 8192)
LAUNCH = 1.4e-6, 2.5e-6
"""Seconds a kernel, inside a command buffer and outside."""
PRODUCTS = 25e12, 15e12
"""FLOP/s of products of 64 columns."""
MEMORY = 4e12
"""Bytes/s."""


def reached(name: str, width: int, steps: int, flops: float) -> tuple[float, float, str]:
    """Returns the steps per second at worst and at best, and what binds at worst."""
    found = []
    for launch, rate in zip(LAUNCH, PRODUCTS, strict=True):
        moved = 2 * PASSES[name] * TEMPORARY[name] * width / MEMORY
        seconds = {"launches": KERNELS[name] * launch, "FLOPs": flops * width / rate, "memory": moved}
        # Launches are hidden where kernels take longer than they; the work itself adds up.
        work = seconds["FLOPs"] + seconds["memory"]
        binding = "launches" if seconds["launches"] > work else max(("FLOPs", "memory"), key=lambda x: seconds[x])
        found.append((steps * width / max(seconds["launches"], work), binding))
    (best, _), (worst, binds) = found
    return worst, best, binds


def main() -> None:
    print("| workload | " + " | ".join(f"{width:,}" for width in WIDTHS) + " |")
    print("|---" * (1 + len(WIDTHS)) + "|")
    for name in KERNELS:
        program = bind_regime(*WORKLOADS[name].make()).programs[WORKLOADS[name].phase]
        steps, flops = sum(program.learner.source.steps), update_flops(program)
        cells = []
        for width in WIDTHS:
            worst, best, binds = reached(name, width, steps, flops)
            cells.append(f"{worst / 1e6:.3g} to {best / 1e6:.3g}, {binds}")
        print(f"| `{name}` ({steps:,} steps, {flops / 1e6:.3g} MFLOP an update) | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
