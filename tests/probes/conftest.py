"""Learners whose features are known, so that what a probe should find is too."""

import jax
import jax.numpy as jnp
import numpy as np

import regimax as rx
from regimax.networks import Network
from regimax.ops import linear
from regimax.regimes import bind, probed
from regimax.regimes.program import as_hparams


def linear_network(width):
    """A network without a nonlinearity: features are ``trunk`` times the observation, and heads are matrices."""

    def factory(num_inputs, heads):
        sizes = {"trunk": (num_inputs, width)} | {name: (width, size) for name, size in heads.items()}

        def init(key):
            return {name: jax.random.normal(jax.random.fold_in(key, i), sizes[name]) for i, name in enumerate(sizes)}

        def apply(params, carry, x, first, code=None):
            features = x @ params["trunk"]
            features = features if code is None else code(features)
            return carry, {name: features @ params[name] for name in heads}, {"features": features}

        return Network(init, lambda num_envs: (), apply, width, ("linear", num_inputs, width, tuple(heads)))

    return factory


def prober(probe, world, width, known, make=rx.regimes.pure_rl, updates=1, **options):
    """Makes a function from seeds and settings to what a probe says of linear learners, by measure `[seeds]`.

    `known(hidden)` are the parts of the parameters that a learner has when the setting `knows` is 1.
    """
    options = {"num_envs": 2, "evaluate": rx.regimes.Evaluate(every=1, episodes=512)} | options
    regime = make(updates, network=linear_network(width), **options)
    program = bind(probed(regime, probe).phases[0], world)

    @jax.jit
    @jax.vmap
    def measure(keys, hparams, knows):
        state = program.init(keys, hparams, {})
        fresh = state.learner.params
        params = fresh | known(state.learner.source.world)
        params = jax.tree.map(lambda a, b: jnp.where(knows > 0, a, b), params, fresh)
        return program.probe(keys, hparams, state._replace(learner=state.learner._replace(params=params)))

    def found(seeds, knows=1.0, **settings):
        hparams = as_hparams(program.settings, program.defaults() | settings)
        hparams = jax.tree.map(lambda x: jnp.broadcast_to(x, (seeds,)), hparams)
        measured = measure(rx.cell_keys(seeds=seeds), hparams, jnp.full((seeds,), knows))
        return {name.partition("_")[2]: np.asarray(values) for name, values in measured.items()}

    return found


def read_the_values(hidden):
    """A trunk that tells the values of the first factor of Exemplar from every look."""
    looks = hidden.hidden.looks[0]  # [V, M, D]
    codes = jnp.repeat(jnp.eye(looks.shape[0]), looks.shape[1], axis=0)
    flat = looks.reshape(-1, looks.shape[-1])
    gram = flat @ flat.T
    return {"trunk": flat.T @ linear.solve_positive(gram + 1e-3 * jnp.eye(len(gram)), codes)}
