"""How many dimensions has a feature where there are more features than dimensions? The toy model x' = ReLU(WᵀWx + b).

64 features, each there with probability p and then uniform in [0, 1), are squeezed through 8 numbers and asked back.
The world, the objective, the network and the probe are written here: none of them is regimax's.

Command: regimax run sweeps/calibration/toy_superposition.py
Cells: 66 in 66 stages: 11 densities × 6 seeds.
Time: two minutes of processor time.
Published: with features of one importance D* = m / ‖W‖², "dimensions per feature", is "sticky" at 1 and at 1/2 as they
  become sparse; at 1/2 they come in antipodal pairs (Elhage et al., Toy Models of Superposition, 2022, section "The
  Geometry of Superposition"; there 400 features in 30 dimensions).
Expected: before the run, that at p = 1 D* is 1, it then falls to 1/2 and stays there, and falls further where features
  are rare. It agrees if medians of D* are within 0.1 of 1 at p = 1, within 0.05 of 1/2 at two neighbouring densities at
  least, and below 0.45 at p = 0.02. Which densities these are depends on sizes, on the optimiser and on how long it
  runs.
Seen before: two seeds at four densities and half of the updates, 1.01 at 1, 0.44 at 1/4, 0.16 at 1/20, 0.11 at 1/50;
  hence the densities between 1 and 1/4.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

import regimax as rx
from regimax.learners import Learner
from regimax.learners.batch import Batch, Objective
from regimax.networks import Network
from regimax.ops import superposition
from regimax.probes import Probe, Subject
from regimax.sources import Source
from regimax.types import PREDICTION, Array, Field, HParams, Metrics, Params, PyTree, Setting

r = rx.regimes
FEATURES, DIMENSIONS, EACH = 64, 8, 8  # examples that a stream shows at once, so that few streams are many examples


class Features:
    """A world in which nothing can be done: every episode shows features."""

    name, spec, truncates = "Features", ("Features", FEATURES, EACH), False
    fields, num_actions, horizon, reward_range = (Field("x", FEATURES * EACH, categorical=False),), 1, 1, (0.0, 1.0)
    settings = (Setting("world.density", 1.0, 0, 1, "p, with which a feature is there", open_low=True),)
    task_reads = ("world.density",)

    def init(self, key: Array, settings: HParams) -> PyTree:
        del key
        return settings["world.density"]

    def reset(self, key: Array, params: PyTree, previous: PyTree = None) -> tuple[Array, PyTree]:
        del previous
        # What a feature is, given that it is there, is uniform: one draw tells both.
        u = jax.random.uniform(key, (FEATURES * EACH,))
        return jnp.where(u < params, u / params, 0.0), ()

    def step(
        self, key: Array, state: PyTree, action: Array, params: PyTree
    ) -> tuple[Array, PyTree, Array, Array, Array, dict[str, Array]]:
        del key, state, action, params
        nothing = jnp.zeros(())
        return (
            jnp.zeros(FEATURES * EACH),
            (),
            nothing,
            jnp.array(True),
            jnp.array(False),
            {"outcome": nothing, "success": nothing},
        )

    def concepts(self, state: PyTree, params: PyTree) -> Array:
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params: PyTree) -> Array:
        return jnp.ones(1, bool)

    def unpadded(self, settings: Mapping[str, float]) -> "Features":
        return self

    def describe(self, settings: Mapping[str, float]) -> dict[str, Any]:
        unknown = ("min_reward_bits_scratch", "min_reward_bits_stream", "observation_bits", "stream_bits")
        known = {"concepts": FEATURES, "optimal_return": 0.0, "random_success": 0.0, "episode_steps": 1.0}
        return dict.fromkeys(unknown, float("nan")) | {"action_bits": 0.0} | known


def tied(num_inputs: int, heads: Mapping[str, int]) -> Network:
    """One matrix there and back."""
    del heads

    def init(key: Array) -> Params:
        scale = (2.0 / (FEATURES + DIMENSIONS)) ** 0.5
        w = scale * jax.random.normal(key, (FEATURES, DIMENSIONS))
        return {"trunk": {"w": w, "b": jnp.zeros(FEATURES)}}

    def apply(
        params: Params, carry: PyTree, x: Array, first: Array, code: Any
    ) -> tuple[PyTree, dict[str, Array], dict[str, Array]]:
        del first, code
        w = params["trunk"]["w"]
        features = x.reshape(*x.shape[:-1], EACH, FEATURES) @ w
        out = jax.nn.relu(features @ w.T + jnp.expand_dims(params["trunk"]["b"], (0, 1, 2))).reshape(x.shape)
        return carry, {"x": out}, {"features": features.reshape(*x.shape[:-1], EACH * DIMENSIONS)}

    return Network(jax.jit(init), lambda num_envs: (), apply, EACH * DIMENSIONS, ("tied", FEATURES, DIMENSIONS, EACH))


def asked_back(source: Source, width: int) -> Objective:
    """Asks for what is seen."""
    del source, width

    def loss(batch: Batch) -> tuple[Array, Metrics]:
        outputs, _ = batch.along()
        error = jnp.mean(jnp.square(outputs["x"] - batch.targets.obs_tm1))
        return error, {"error": error}

    return Objective({"x": FEATURES * EACH}, loss, PREDICTION, ("asked_back",))


def dimensions(learner: Learner, altered: Any) -> Probe:
    """How many dimensions a feature has, and how many features have about one, about half of one, and none."""
    del learner, altered

    def measure(key: Array, subject: Subject, hparams: HParams) -> Metrics:
        del key, hparams
        w = subject.state.params["trunk"]["w"]
        own, there = superposition.dimensions(w), jnp.sum(jnp.square(w), 1) > 0.25
        return {
            "mean": superposition.mean_dimensions(w),
            "features": there.sum().astype(jnp.float32),
            "whole": jnp.mean(jnp.where(there, jnp.abs(own - 1.0) < 0.05, False)),
            "half": jnp.mean(jnp.where(there, jnp.abs(own - 0.5) < 0.05, False)),
        }

    return Probe("dimensions", measure, ("dimensions", 0.25, 0.05))


sweep = rx.Sweep(
    world=Features(),
    regimes=[
        r.Regime(
            "toy",
            (
                r.predict(
                    4000,
                    source=rx.sources.random_behaviour(32, 1),
                    learner=rx.learners.prediction(asked_back),
                    network=tied,
                    channels=[],
                    evaluate=r.Evaluate(every=1000, episodes=32),
                )._replace(probes=(dimensions,)),
            ),
        )
    ],
    axes={"world.density": [1.0, 0.8, 0.65, 0.5, 0.4, 0.32, 0.25, 0.18, 0.1, 0.05, 0.02]},
    settings={"pretrain.learning_rate": 0.003, "pretrain.max_grad_norm": 10.0},
    seeds=6,
)
