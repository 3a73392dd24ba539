"""A scan that does after its loop what only its reports need gives what the loop gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from regimax.ops import reports_after
from regimax.ops.reports_after import scan_numbers, scan_reports_after

KEYS = jax.random.split(jax.random.key(1), 6)
WEIGHTS = jnp.linspace(0.5, 1.5, 4)


def walk(carry, key):
    """A carry that is read, one that goes round, one that only the last step decides; reports of the three kinds."""
    total, (one, other), _, count = carry
    drawn = jax.random.normal(key, (4,))
    total = jnp.tanh(WEIGHTS * total + drawn)
    tally = jnp.sum(jnp.sort(total * total)) + jnp.sum(drawn > 0)
    reports = {"tally": tally, "count": count, "drawn": drawn, "opening": one, "fixed": WEIGHTS.sum(), "two": 2.0}
    return (total, (other, one), {"tally": tally}, count + 1), reports


CARRY = (jnp.zeros(4), (jnp.float32(1), jnp.float32(2)), {"tally": jnp.float32(0)}, jnp.int32(3))


def body_of(function, *args):
    [loop] = [e for e in jax.make_jaxpr(function)(*args).jaxpr.eqns if e.primitive.name == "scan"]
    return str(loop.params["jaxpr"])


@pytest.mark.parametrize("largest", [reports_after.LARGEST, 1, 0])
def test_it_is_a_scan(monkeypatch, largest):
    monkeypatch.setattr(reports_after, "LARGEST", largest)
    found, expected = scan_reports_after(walk, CARRY, KEYS), jax.lax.scan(walk, CARRY, KEYS)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), found, expected)


def test_it_is_one_on_every_lane():
    lanes = jnp.arange(3.0)
    found, expected = (
        jax.vmap(lambda x, scan=scan: scan(walk, (x + CARRY[0], *CARRY[1:]), KEYS))(lanes)
        for scan in (scan_reports_after, jax.lax.scan)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), found, expected)


def test_what_only_reports_read_is_done_after_the_loop_unless_it_reads_too_much(monkeypatch):
    assert "sort" in body_of(lambda *args: jax.lax.scan(walk, *args), CARRY, KEYS)
    body = body_of(lambda *args: scan_reports_after(walk, *args), CARRY, KEYS)
    assert "tanh" in body
    assert not {"sort", "random_bits"} & set(body.replace("[", " ").split())
    monkeypatch.setattr(reports_after, "LARGEST", 3)
    assert "sort" in body_of(lambda *args: scan_reports_after(walk, *args), CARRY, KEYS)


def test_a_large_carry_is_not_kept(monkeypatch):
    monkeypatch.setattr(reports_after, "LARGEST", 3)

    def step(carry, x):
        return carry + x, jnp.sum(carry)

    def loop(carry, xs):
        return scan_reports_after(step, carry, xs)

    assert "reduce_sum" in body_of(loop, jnp.zeros(4), jnp.arange(3.0))
    assert "reduce_sum" not in body_of(loop, jnp.zeros(3), jnp.arange(3.0))


@pytest.mark.parametrize("times", [1, 4, 12, 13, 35])
def test_many_steps_are_done_in_portions(monkeypatch, times):
    monkeypatch.setattr(reports_after, "TOGETHER", 8)

    def step(carry, number):
        return carry + number, {"before": carry, "number": number}

    last, told = scan_numbers(step, jnp.int32(1), jnp.int32(5), times)
    expected, each = jax.lax.scan(step, jnp.int32(1), 5 + jnp.arange(times))
    assert last == expected
    for name, found in told.items():
        assert found.size == times
        assert found.ravel().tolist() == each[name].tolist()
