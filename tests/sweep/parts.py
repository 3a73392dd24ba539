"""A sweep file in which every part is its author's own, and edits of it."""

HELPER = "factor = 1.5\n"

FILE = '''
"""Is it told when a part changes?"""
import functools

import jax
import jax.numpy as jnp
import optax

import beside
import regimax as rx
from regimax.types import Field, Setting


class Guess:
    """A number is hidden."""

    name, spec, truncates = "Guess", ("Guess",), False
    fields, num_actions, horizon, reward_range = (Field("nothing", 1),), 4, 1, (0.0, 1.0)
    settings, task_reads = (Setting("world.numbers", 4, 2, 4, "", integer=True),), ("world.numbers",)

    def init(self, key, settings):
        return {"hidden": jax.random.randint(key, (), 0, settings["world.numbers"]), "n": settings["world.numbers"]}

    def reset(self, key, params, previous=None):
        return jnp.zeros(1), ()

    def step(self, key, state, action, params):
        right = beside.factor * (action == params["hidden"]).astype(jnp.float32) * 0.5
        return jnp.zeros(1), (), right, jnp.array(True), jnp.array(False), {"outcome": right, "success": right}

    def concepts(self, state, params):
        return jnp.zeros((0,), jnp.int32)

    def legal(self, params):
        return jnp.arange(4) < params["n"]

    def unpadded(self, settings):
        return self

    def describe(self, settings):
        n = settings["world.numbers"]
        bits = {"observation_bits": 0.0, "stream_bits": 0.0, "action_bits": 2.0}
        bits |= {"min_reward_bits_scratch": 2.0, "min_reward_bits_stream": 2.0}
        return bits | {"concepts": n, "optimal_return": 1.0, "random_success": 1 / n, "episode_steps": 1.0}


def source(world, channels, num_steps=None):
    inner = rx.sources.own_behaviour(4)(world, channels, num_steps)

    def following(*args):
        state, trajectory = inner.next(*args)
        return state, trajectory._replace(r_t=2.0 * trajectory.r_t)

    return inner._replace(next=following)


def noisy():
    def apply(key, state, signal, settings):
        return state, signal._replace(value=signal.value + 0.25)

    return rx.channels.Channel("reward", lambda settings, value: (), apply, lambda settings, known: 1.5, (), ("noisy",))


def scaled(momentum, hparams):
    return optax.sgd(hparams["learning_rate"] * 3.0, momentum)


def closed(by):
    return lambda hparams: optax.sgd(hparams["learning_rate"] * by)


def network(num_inputs, heads):
    inner = rx.networks.mlp((3,))(num_inputs, heads)

    def apply(params, carry, x, first, code=None):
        return inner.apply(params, carry, 0.75 * x, first, code)

    return inner._replace(apply=apply)


def learner(network, source, freeze, episodes):
    inner = rx.learners.actor_critic(optimizer=functools.partial(scaled, 0.5), bonus=bonus())(
        network, source, freeze, episodes
    )

    def update(key, state, hparams):
        state, metrics = inner.update(key, state, hparams)
        return state._replace(params=jax.tree.map(lambda w: w * 0.875, state.params)), metrics

    def evaluate(key, state, hparams):
        return inner.evaluate(key, state, hparams) | {"mine": jnp.ones(()) * 6.0}

    return inner._replace(update=update, evaluate=evaluate)


def bonus():
    inner = rx.learners.count_bonus(bits=2)
    return inner._replace(apply=lambda memory, *args: (inner.apply(memory, *args)[0], jnp.zeros((1, 4)) + 0.125))


def objective(source, width):
    question = rx.learners.objectives.next_step(["nothing"])(source, width)

    def loss(*args):
        total, metrics = question.loss(*args)
        return 5.0 * total, metrics

    return question._replace(loss=loss)


def probe(learner, altered):
    return rx.probes.Probe("weights", lambda key, subject, hparams: {"sum": jnp.zeros(()) + 7.0}, ("weights",))


evaluate = rx.regimes.Evaluate(every=2, episodes=4)
own = rx.regimes.reinforce(4, network=network, learner=learner, channels=[noisy()], evaluate=evaluate)
own = own._replace(source=source, stop=rx.regimes.Stop("success", 0.9375, 3), probes=(probe,))
beside_it = rx.regimes.always_on(
    4, network=rx.networks.mlp((3,)), num_envs=4, evaluate=evaluate,
    learner={"objective": objective, "optimizer": closed(11.0), "capacity": 4},
)
sweep = rx.Sweep(
    world=Guess(),
    regimes=[rx.regimes.Regime("own", (own,)), beside_it],
    axes={"world.numbers": [2, 3]},
    seeds=2,
)
'''

EDITS = {
    "world, its step": ("astype(jnp.float32) * 0.5", "astype(jnp.float32) * 0.625"),
    "world, its hidden structure": ("(), 0, settings", "(), 1, settings"),
    "world, what is legal": ("arange(4) < params", "arange(4) <= params"),
    "describe": ('"action_bits": 2.0', '"action_bits": 3.0'),
    "a floor": ('"min_reward_bits_stream": 2.0', '"min_reward_bits_stream": 1.0'),
    "source": ("2.0 * trajectory.r_t", "9.0 * trajectory.r_t"),
    "channel": ("signal.value + 0.25", "signal.value + 0.5"),
    "channel, its capacity": ("known: 1.5", "known: 1.0"),
    "optimiser": ('["learning_rate"] * 3.0', '["learning_rate"] * 4.0'),
    "optimiser, a partial's argument": ("partial(scaled, 0.5)", "partial(scaled, 0.25)"),
    "optimiser, what it closes over": ("closed(11.0)", "closed(12.0)"),
    "network": ("0.75 * x", "0.5 * x"),
    "learner, its update": ("w * 0.875", "w * 0.75"),
    "learner, its evaluation": ("jnp.ones(()) * 6.0", "jnp.ones(()) * 8.0"),
    "learner, the name of a metric": ('"mine"', '"ours"'),
    "bonus": ("+ 0.125", "+ 0.375"),
    "objective of a predictor": ("5.0 * total", "6.0 * total"),
    "stop": ('"success", 0.9375, 3', '"success", 0.9375, 4'),
    "how often it is evaluated": ("every=2, episodes=4", "every=4, episodes=4"),
    "how much it is evaluated": ("every=2, episodes=4", "every=2, episodes=8"),
    "kinds of FLOPs": ("        state, metrics = inner.update(key, state, hparams)\n",
                       "        with rx.types.spent_on('prediction'):\n"
                       "            state, metrics = inner.update(key, state, hparams)\n"),
}  # fmt: skip
"""What must change a stage: what is edited, and how."""

CHATTER = {
    "a comment": ("        state, trajectory = inner", "        # as it comes\n        state, trajectory = inner"),
    "the docstring": ('"""Is it told when a part changes?"""', '"""Another question."""'),
    "a docstring of a part": ('"""A number is hidden."""', '"""A number, hidden."""'),
    "seeds": ("seeds=2", "seeds=3"),
    "an axis": ("[2, 3]", "[2, 3, 4]"),
    "the name of a function": ("following", "afterwards"),
    "layout": ("        return 5.0 * total, metrics", "        return (\n            5.0 * total, metrics\n        )"),
}  # fmt: skip
"""What must leave every stage as it is."""
