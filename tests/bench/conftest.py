"""A result made by hand."""

import copy

import pytest

from regimax.bench.ceilings import LARGE, MEMORY, SMALL, Ceiling
from regimax.bench.measure import AS_ASKED, judged


def point(lanes, devices, rate, **changes):
    found = {
        "lanes": lanes,
        "block": 8,
        "devices": devices,
        "seconds": [1.0, 1.25],
        "ticks": 1,
        "updates_per_second": rate,
        "updates_per_second_worst": 0.9 * rate,
        "steps_per_second": 512.0 * rate,
        "steps_per_second_worst": 0.9 * 512.0 * rate,
        "flops_per_second": 7e7 * rate,
        "of_large_product": 0.31,
        "of_small_products": 0.42,
        "state_bytes_per_second": 1e6 * rate,
        "state_of_memory": 0.001,
        "waiting": 0.002,
        "tick_seconds": 0.25,
        "evaluation_at_most": 0.07,
        "compile_seconds": 8.25,
        "temporary_bytes_per_lane": 1_234_567,
        "diverged": 0,
    }
    return found | changes


RESULT = {
    "machine": {
        "device": "cpu",
        "platform": "cpu",
        "devices": 2,
        "device_bytes": None,
        "driver": "cpu",
        "cpu": "Some Processor of a Long Name, 128 Threads @ 4.20 GHz",
        "cores": 2,
        "system": "Linux x86_64",
        "versions": {"regimax": "0.1.0", "python": "3.11.7", "jax": "0.10.2", "jaxlib": "0.10.2"},
        "dtype": "float32",
        "matmul_precision": "default",
        "xla_flags": "--xla_cpu_multi_thread_eigen=false",
        "xla_threads": "4",
    },
    "ceilings": [
        Ceiling(name, "128 × 64 · 64 × 64", unit, devices, 9.87e10 * devices, 9e10 * devices)._asdict()
        for name, unit in ((LARGE, "FLOP"), (SMALL, "FLOP"), (MEMORY, "B"))
        for devices in (1, 2)
    ],
    "workloads": {
        "ppo-cartpole": {
            "version": 1,
            "about": "CartPole-v1, MLP 64×64; PPO on 4 environments × 128 steps, 4 epochs × 4 minibatches",
            "steps": "own",
            "flops_per_update": 7e7,
            "steps_per_update": 512,
            "updates_per_tick": 10,
            "evaluation_flops": 0.0123,
            "bytes_per_lane": 56_356,
            **judged([point(8, 1, 300.0), point(16, 2, 570.0), point(32, 2, 588.0)], AS_ASKED),
        },
        "sweep-flagship": {
            "version": 1,
            "about": "Cipher: 4 pretraining budgets × 8 rewards",
            "cells": 128,
            "stages": 144,
            "sharing": 1.8,
            "points": [
                {
                    "lanes": 64,
                    "block": 8,
                    "devices": 2,
                    "seconds": [2.5, 2.75, 2.5],
                    "updates": 25_000,
                    "updates_per_second": 10_000.0,
                    "updates_per_second_worst": 9_090.0,
                    "steps_per_second": 480_000.0,
                    "flops_per_second": 3e10,
                    "compile_seconds": 20.0,
                    "occupancy": 0.97,
                    "waiting": 0.01,
                    "idle": 0.02,
                    "saving": 0.03,
                }
            ],
        },
    },
}


@pytest.fixture
def found():
    return copy.deepcopy(RESULT)


@pytest.fixture(autouse=True)
def _known_ceilings_of_its_own(tmp_path, monkeypatch):
    """What a test measures, on a busy machine, is not what later benchmarks are compared with."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
