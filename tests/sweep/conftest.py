"""Sweeps small enough to run in a test."""

import jax
import jax.numpy as jnp
import pytest

import regimax as rx

NETWORK = rx.networks.gru(8)


def options(**more):
    return {
        "network": NETWORK,
        "num_envs": 8,
        "evaluate": rx.regimes.Evaluate(every=2, episodes=16),
        **more,
    }


WORLD = rx.envs.Cipher(symbols=3, skills=2, length=2)
REGIMES = (
    rx.regimes.pure_rl(updates=8, **options()),
    rx.regimes.pretrain_rl(updates=(4, 8), **options()),
    rx.regimes.sham_rl(updates=(4, 8), **options()),
)


def make_tiny(**changes) -> rx.Sweep:
    """Three arms, two reward settings, a few seeds: 3 programs."""
    sweep = {
        "world": WORLD,
        "regimes": list(REGIMES),
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


PLANS: dict = {}
FRAMES: dict = {}


@pytest.fixture
def compiled_once(monkeypatch):
    """Runs of one plan share what planning them found, as they share compiled programs, however often resumed."""
    from regimax.sweep import rundir

    def frame(plan, costs):
        if id(plan) not in FRAMES:
            FRAMES[id(plan)] = made(plan, costs)
        return FRAMES[id(plan)]

    made = rundir._stages_frame
    monkeypatch.setattr(rundir, "_stages_frame", frame)


def norm(learner, altered):
    """A probe of how large the parameters are."""
    del learner, altered

    def measure(key, subject, hparams):
        del key, hparams
        return {"norm": sum(jnp.abs(leaf).sum() for leaf in jax.tree.leaves(subject.state.params))}

    return rx.probes.Probe("norm", measure, ("norm",))


def small_plan(keep=False):
    """A plan that leaves every kind of file: 4 cells in 6 stages of 2 programs, which share, fork, chain and probe."""
    from regimax.sweep.plan import make_plan

    if keep not in PLANS:
        regime = rx.regimes.probed(rx.regimes.pretrain_rl(updates=(4, 8), **options()), norm, every=2)
        axes = {"pretrain.updates": [2, 4], "reward.erasure": [0.0, 0.5]}
        PLANS[keep] = make_plan(make_tiny(regimes=[regime], axes=axes, seeds=1, keep_params=keep, optimization="none"))
    return PLANS[keep]
