"""What was lowered is looked up by its trace, and is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import lowering

pytestmark = pytest.mark.versions


@pytest.fixture
def lowered(tmp_path, monkeypatch):
    """Names of what is lowered; all of it is kept, in a folder of this test's own."""
    names, lower = [], lowering._lower
    monkeypatch.setattr(lowering, "LONG", 0)
    monkeypatch.setattr(
        lowering, "_lower", lambda name, *args, **told: names.append(name) or lower(name, *args, **told)
    )
    monkeypatch.setattr(lowering, "_folder", lambda: tmp_path)
    return names


def text_of(function, *args, **options):
    """The text of a function that is new to JAX."""
    return jax.jit(lambda *args: function(*args), **options).lower(*args).as_text()


def looked_up(lowered, function, *args, **options):
    """Whether a function is lowered once for two that are alike; that it is the same module in any case."""
    before = len(lowered)
    assert text_of(function, *args, **options) == text_of(function, *args, **options)
    return len(lowered) - before == 1


@pytest.mark.skipif(lowering.mlir.lower_jaxpr_to_module is lowering._lower, reason="this JAX lowers each time")
class TestLookedUp:
    def test_what_was_lowered(self, lowered):
        assert looked_up(lowered, lambda x: jnp.sort(x) @ jnp.ones((3, 3)), np.zeros(3))
        assert looked_up(lowered, lambda key: jax.random.normal(key, 5), jax.random.key(0))

    def test_what_is_for_other_platforms_too(self, lowered):
        key = jax.random.key(0)
        texts = {
            platforms: [
                jax.jit(lambda x: jax.random.normal(x, 3)).trace(key).lower(lowering_platforms=platforms).as_text()
                for _ in range(2)
            ]
            for platforms in (("cuda",), ("tpu",), ("cuda", "tpu"))
        }
        assert all(one == two for one, two in texts.values())
        assert len(lowered) == 3

    def test_it_computes_the_same(self, lowered):
        x = np.linspace(0, 1, 7, dtype=np.float32)
        one, two = (jax.jit(lambda x: jax.lax.scan(lambda c, x: (jnp.sin(c + x), c), 0.0, x))(x) for _ in range(2))
        assert len(lowered) == 1
        jax.tree.map(np.testing.assert_array_equal, one, two)

    def test_what_differs_is_lowered(self, lowered):
        x = np.zeros(3, np.float32)
        closed_over = np.arange(3, dtype=np.float32)
        for function, args, options in (
            (lambda x: x + 1, (x,), {}),
            (lambda x: x + 2, (x,), {}),
            (lambda x: x + 1, (x[:2],), {}),
            (lambda x: x + 1, (x.astype(np.int32),), {}),
            (lambda x: x + 1, (x,), {"donate_argnums": 0}),
            (lambda x: x + closed_over, (x,), {}),
            (lambda x: x + 2 * closed_over, (x,), {}),
            (lambda x: (x + 1, 1), (x,), {}),
        ):
            before = len(lowered)
            text_of(function, *args, **options)
            assert len(lowered) == before + 1

    def test_options_of_jax_count(self, lowered):
        key = jax.random.key(0)
        with jax.threefry_partitionable(False):
            one = text_of(lambda key: jax.random.bits(key, 5), key)
        assert one != text_of(lambda key: jax.random.bits(key, 5), key)

    def test_rules_count(self, lowered, monkeypatch):
        text_of(jnp.sin, 1.0)
        monkeypatch.setattr(lowering, "_rules", lambda: "of another JAX")
        text_of(jnp.sin, 1.0)
        assert len(lowered) == 2


def test_what_readies_other_code_is_lowered_each_time(lowered):
    assert not looked_up(lowered, jnp.linalg.cholesky, np.eye(3, dtype=np.float32))
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    before = len(lowered)
    for _ in range(2):
        text_of(lambda x: jax.pure_callback(np.sin, shape, x), np.float32(1))
    assert len(lowered) - before == 2


def test_what_fails_is_not_kept(lowered):
    x = np.zeros(3, np.float32)
    for _ in range(2):
        with pytest.raises(UserWarning, match="donated"):
            text_of(lambda x: x.sum(), x, donate_argnums=0)
    assert len(lowered) == 2
