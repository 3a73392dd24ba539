"""Sweeps small enough to run in a test."""

import pytest

import regimax as rx


def options(**more):
    return {
        "network": rx.networks.gru(8),
        "num_envs": 8,
        "evaluate": rx.regimes.Evaluate(every=2, episodes=16),
        **more,
    }


def make_tiny(**changes) -> rx.Sweep:
    """Three arms, two reward settings, a few seeds: 3 programs."""
    sweep = {
        "world": rx.envs.Cipher(symbols=3, skills=2, length=2),
        "regimes": [
            rx.regimes.pure_rl(updates=8, **options()),
            rx.regimes.pretrain_rl(updates=(4, 8), **options()),
            rx.regimes.sham_rl(updates=(4, 8), **options()),
        ],
        "axes": {"reward.erasure": [0.0, 0.5]},
        "seeds": 3,
    }
    return rx.Sweep(**(sweep | changes))


class Silent:
    """A display that remembers what it was told."""

    def __init__(self):
        self.said: list[str] = []
        self.ticks = []

    def start(self, plan, finished, updates, devices, compiling):
        self.updates_before = updates

    def pool(self, name, stages, width):
        pass

    def tick(self, tick, env_steps):
        self.ticks.append(tick)

    def say(self, text):
        self.said.append(text)


class Crash(Silent):
    """A display that breaks the run after a number of ticks."""

    def __init__(self, ticks):
        super().__init__()
        self.left = ticks

    def tick(self, tick, env_steps):
        super().tick(tick, env_steps)
        self.left -= 1
        if self.left == 0:
            raise ConnectionError("the machine is gone")


@pytest.fixture
def tiny():
    return make_tiny


@pytest.fixture
def silent():
    return Silent
