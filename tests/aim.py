"""A world whose actions are numbers, small enough for any test."""

import jax
import jax.numpy as jnp

from regimax.types import ActionRange, Field, Setting


class Aim:
    """An action of two numbers is paid by how near it comes to what is hidden; an episode is a step."""

    name, spec, truncates = "Aim", ("Aim",), False
    fields, horizon, reward_range = (Field("told", 2, categorical=False),), 1, (-100.0, 0.0)
    num_actions, action_range = 2, ActionRange((-1.0, 0.0), (3.0, 10.0))
    settings, task_reads = (Setting("world.far", 1.0, 0, 10, "times as far"),), ("world.far",)

    def init(self, key, settings):
        return {"hidden": jax.random.uniform(key, (2,)) * settings["world.far"]}

    def reset(self, key, params, previous=None):
        return 5.0 + 3.0 * jax.random.normal(key, (2,)), jnp.zeros(())

    def step(self, key, state, action, params):
        reward = -jnp.sum(jnp.abs(action - params["hidden"]))
        info = {"outcome": reward, "success": (reward > -1.0).astype(jnp.float32)}
        return jnp.zeros(2), state, reward, jnp.array(True), jnp.array(False), info

    def concepts(self, state, params):
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params):
        return jnp.ones(2, bool)

    def unpadded(self, settings):
        return self

    def describe(self, settings):
        known = dict.fromkeys(("concepts", "optimal_return", "random_success", "observation_bits", "stream_bits"), 0.0)
        known |= dict.fromkeys(("min_reward_bits_scratch", "min_reward_bits_stream"), 1.0)
        return known | {"action_bits": 48, "episode_steps": 1.0}
