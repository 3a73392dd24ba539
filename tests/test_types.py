"""Settings know their range."""

import jax.numpy as jnp
import numpy as np
import pytest

from regimax import UserError
from regimax.errors import nearest, unknown
from regimax.types import Setting

RATE = Setting("rate", 0.5, 0, 1, "a rate")
COUNT = Setting("count", 2, 1, 8, "a count", integer=True)
POSITIVE = Setting("positive", 1.0, 0, float("inf"), "above zero", open_low=True)


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        (RATE, 0, 0.0),
        (RATE, 1, 1.0),
        (RATE, np.float32(0.25), 0.25),
        (RATE, jnp.float32(0.5), 0.5),
        (RATE, True, 1.0),
        (COUNT, 8, 8),
        (COUNT, 2.0, 2),
        (COUNT, np.int64(3), 3),
        (POSITIVE, 1e30, 1e30),
    ],
)
def test_values_in_range_become_what_is_traced(setting, value, expected):
    found = setting.check(value, setting.name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (RATE, 1.01, r"rate = 1.01 is out of range: a number in \[0, 1\]"),
        (RATE, -0.1, "out of range"),
        (RATE, float("nan"), r"rate = nan is not a number in \[0, 1\]"),
        (RATE, "0.5", "'0.5' is not a number"),
        (RATE, None, "None is not a number"),
        (RATE, [0.5], "is not a number"),
        (COUNT, 2.5, r"count = 2.5 is not a whole number in \[1, 8\]"),
        (COUNT, 9, "out of range"),
        (POSITIVE, 0, r"a number in \(0, inf\)"),
        (POSITIVE, float("inf"), "is not a number"),
    ],
)
def test_others_are_told(setting, value, message):
    with pytest.raises(UserError, match=message):
        setting.check(value, setting.name)


def test_names_far_from_all_others_get_no_suggestion():
    assert nearest("xyz", ["reward.erasure"]) == ""
    assert str(unknown("axis", "b", ["aaa"])) == "unknown axis 'b'. Allowed: aaa"


def test_what_is_no_text_is_told_like_a_wrong_name():
    assert str(unknown("thing", 3, [33, 4])) == "unknown thing 3. Did you mean '33'? Allowed: 33, 4"
    assert str(unknown("thing", None, ["some"])).startswith("unknown thing None.")
