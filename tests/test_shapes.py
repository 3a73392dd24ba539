"""What is of the wrong shape is told while it is traced, and nothing is computed for that."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops import information, linear, losses, memory, returns, superposition, trees
from regimax.ops.precomputed_randomness import scan_precomputed_randomness
from regimax.shapes import check_same, check_shapes, check_streams, float32

T, TE, N, ND = jnp.ones(5), jnp.ones((5, 3)), jnp.full(4, 0.25), jnp.ones((6, 4))
MATRIX, DISTRIBUTION = jnp.eye(4), jnp.full((4, 4), 1 / 16)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": (TE, "T")}, r"f takes one stream \[T\]; use jax.vmap for \[T, E\].*x is \[5, 3\]"),
        ({"x": (TE, "A")}, r"f takes one x \[A\]; use jax.vmap for more axes: it is \[5, 3\]"),
        ({"x": (T, "T E")}, r"f: x is \[5\], it takes \[T, E\]"),
        ({"x": (T, "T"), "y": (N, "T")}, r"f: y is \[4\], it takes \[T\] = \[5\]"),
        ({"x": (TE, "T E"), "y": (TE.T, "T D")}, r"f: y is \[3, 5\], it takes \[T, D\] = \[5, D\]"),
        ({"x": (T, "6")}, r"f: x is \[5\], it takes \[6\]"),
        ({"x": (0.5, "T")}, r"f: x is \[\], it takes \[T\]"),
        ({"x": ([1.0, 2.0], "")}, r"f takes one x \[\]; use jax.vmap for more axes: it is \[2\]"),
        ({"x": (0.5, "... T")}, r"f: x is \[\], it takes \[..., T\]"),
    ],
)
def test_the_message_says_who_takes_what_and_what_was_found(arrays, message):
    with pytest.raises(AssertionError, match=message):
        check_shapes("f", **arrays)


def test_what_fits_goes_through():
    check_shapes(
        "f", a=(T, "T"), b=(TE, "T E"), c=(0.5, ""), d=(None, "T"), e=(TE, "... E"), g=(jnp.ones((2, 5)), "2 T")
    )
    check_same("f", a=T, b=np.ones(5))
    check_same("f", a=1, b=0.5)
    check_streams("f", "carry", {"a": TE, "b": (T,), "c": ()}, 5)
    for found in (float32(1), float32(True), float32(np.float64(1)), float32(T), float32(jnp.ones((), bool))):
        assert found.dtype == jnp.float32
    assert float32(T) is T


def test_trees_and_pairs_that_do_not_fit_are_refused():
    with pytest.raises(AssertionError, match=r"f takes one shape: a is \[5\], b is \[4\]"):
        check_same("f", a=T, b=N)
    with pytest.raises(AssertionError, match=r"f: carry is of leaves \[E, ...\], E = 5"):
        check_streams("f", "carry", (T, N), 5)


def test_who_does_not_want_checks_turns_them_off():
    chex.disable_asserts()
    try:
        check_shapes("f", x=(TE, "T"))
    finally:
        chex.enable_asserts()


class Call:
    """A function of `ops` with arguments that fit."""

    def __init__(self, function, *args, stream=False):
        self.function, self.args, self.stream = function, args, stream

    def __repr__(self):
        return self.function.__name__


def _added(state, key, value, beta):
    """A memory that adds pairs up."""
    return state + beta * jnp.outer(key, value)


CALLS = [
    Call(returns.generalized_advantages, T, T, T, T, T, 0.9, stream=True),
    Call(returns.known_advantages, T, T, T, T, T, T, 0.9, stream=True),
    Call(returns.discounted_returns, T, T, 0.5, stream=True),
    Call(returns.potential_shaping, T, T, T, stream=True),
    Call(losses.categorical_cross_entropy, N, N),
    Call(losses.weighted_mean, N, N),
    Call(losses.weighted_squares, N, N),
    Call(losses.entropy, N),
    Call(losses.clipped_surrogate, -0.5, -0.25, 2.0, 0.2),
    Call(information.entropy, N),
    Call(information.sampled_entropy, N),
    Call(information.kl_divergence, N, N),
    Call(information.mutual_information, DISTRIBUTION),
    Call(information.counted_information, DISTRIBUTION),
    Call(information.policy_throughput, MATRIX, N),
    Call(information.channel_capacity, MATRIX, 3),
    Call(linear.solve_positive, MATRIX, MATRIX),
    Call(linear.ridge, ND, ND, 0.1, jnp.ones(6)),
    Call(linear.projection, ND, 0.1),
    Call(linear.linear_cka, ND, ND),
    Call(linear.eigenvalues, MATRIX, 2),
    Call(linear.effective_rank, ND),
    Call(superposition.dimensions, ND),
    Call(superposition.mean_dimensions, ND),
    Call(superposition.interference, ND, jnp.arange(6)),
    Call(memory.participation_ratio, MATRIX),
    Call(memory.squares_due, MATRIX, MATRIX),
    Call(memory.capacity, N, N, 1.0),
    Call(memory.recall_errors, jnp.ones((2, 3)), jnp.ones((6, 2)), jnp.ones((6, 3)), jnp.ones(6), _added),
]
SCALARS = [
    Call(information.binary_entropy, 0.25),
    Call(information.symmetric_capacity, 4, 0.25),
    Call(information.gaussian_capacity, 1, 3),
    Call(information.erasure_capacity, 2, 0.25),
    Call(trees.select, True, 1.0, 2.0),
]
HOST = [
    Call(information.symmetric_bits, 4, 0.25),
    Call(information.zeroed_capacity, 4, 0.25),
    Call(information.log2_factorial, 4),
    Call(information.log2_binomial, 4, 2),
]
RANDOM = [Call(information.estimate_information, jax.random.key(0), jnp.arange(4), jnp.arange(4), 4, 4, 2)]


def test_every_function_is_among_them():
    public = {
        f"{module.__name__}.{name}"
        for module in (returns, losses, information, linear, memory, superposition, trees)
        for name, function in vars(module).items()
        if inspect.isroutine(inspect.unwrap(function)) and function.__module__ == module.__name__ and name[0] != "_"
    }
    called = {f"{call.function.__module__}.{call}" for call in (*CALLS, *SCALARS, *HOST, *RANDOM)}
    assert public - called == {"regimax.ops.losses.stepwise_cross_entropy"}  # it is vmapped already


ARRAY = jax.Array | jax.ShapeDtypeStruct


def more(x):
    """The shape of the same with an axis more."""
    return jax.ShapeDtypeStruct((*x.shape, 3), x.dtype)


def on_arrays(call, args):
    """A call as a function of its arrays, and these. Plain numbers stay as they are."""

    def function(arrays):
        left = iter(arrays)
        return call.function(*(next(left) if isinstance(arg, ARRAY) else arg for arg in args))

    return function, [arg for arg in args if isinstance(arg, ARRAY)]


def traced(call, args):
    """Traces a call; nothing is computed."""
    return jax.eval_shape(*on_arrays(call, args))


def compiled(call, each):
    """Calls with every one of several tuples of arguments, in one program."""
    functions, arrays = zip(*(on_arrays(call, args) for args in each), strict=True)
    return jax.jit(lambda *given: [function(one) for function, one in zip(functions, given, strict=True)])(*arrays)


@pytest.mark.parametrize("call", CALLS, ids=repr)
def test_an_axis_more_in_any_array_is_told_by_name(call):
    traced(call, call.args)
    for i, arg in enumerate(call.args):
        if not isinstance(arg, jax.Array):
            continue
        with pytest.raises(AssertionError, match=str(call) if call.stream else "takes"):
            traced(call, [*call.args[:i], more(arg), *call.args[i + 1 :]])
    if call.stream:
        text = rf"{call} takes one stream \[T\]; use jax.vmap for \[T, E\], with in_axes=1"
        with pytest.raises(AssertionError, match=text):
            traced(call, [more(x) if isinstance(x, jax.Array) else x for x in call.args])


@pytest.mark.parametrize("call", CALLS, ids=repr)
def test_arrays_that_differ_in_length_are_told(call):
    arrays = [i for i, arg in enumerate(call.args) if isinstance(arg, jax.Array)]
    for i in arrays[1:]:
        length, *others = call.args[i].shape
        twice = jax.ShapeDtypeStruct((2 * length, *others), call.args[i].dtype)
        args = [*call.args[:i], twice, *call.args[i + 1 :]]
        with pytest.raises(AssertionError, match="takes"):
            traced(call, args)


def as_numpy(x):
    """The number of NumPy that a number of Python is."""
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    return kinds[type(x)](x) if type(x) in kinds else x


def as_jax(x):
    kinds = {bool: jnp.bool_, int: jnp.int32, float: jnp.float32}
    return jnp.asarray(x, kinds[type(x)]) if type(x) in kinds else x


STATIC = ("channel_capacity", "eigenvalues", "estimate_information")
"""Functions whose numbers are sizes or lengths of loops, so that no traced one will do."""


@pytest.mark.parametrize("promotion", ["standard", "strict"])
@pytest.mark.parametrize("call", [*CALLS, *SCALARS, *HOST, *RANDOM], ids=repr)
def test_numbers_of_python_numpy_and_jax_do_alike(call, promotion):
    alike = [call.args, [*map(as_numpy, call.args)]]
    if call not in HOST and str(call) not in STATIC:
        alike.append([*map(as_jax, call.args)])
    with jax.numpy_dtype_promotion(promotion):
        if any(isinstance(arg, jax.Array) for arg in call.args):
            expected, numpys, *found = compiled(call, alike)
        else:
            expected, numpys, *found = (call.function(*args) for args in alike)
        chex.assert_trees_all_close(numpys, expected, rtol=1e-6)
        if len(alike) == 3:
            chex.assert_trees_all_close(*found, expected, rtol=1e-6)
            for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                assert jnp.asarray(one).dtype == jnp.asarray(other).dtype == jnp.float32


def test_a_scan_over_leaves_of_different_lengths_is_told():
    step = lambda carry, x: (carry + x[0], x[1])
    with pytest.raises(AssertionError, match=r"scan_precomputed_randomness: xs is of leaves \[T, ...\]"):
        scan_precomputed_randomness(step, jnp.zeros(()), (T, N))
