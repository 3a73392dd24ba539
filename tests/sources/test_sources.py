"""Sources: what is refused."""

import pytest

import regimax as rx
from regimax.sources import own_behaviour, transcripts


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: own_behaviour(0), "own_behaviour: num_envs = 0 is not a whole number above 0"),
        (lambda: own_behaviour(4, 0), "own_behaviour: num_steps = 0 is not a whole number above 0"),
        (lambda: transcripts(2.5), "transcripts: num_envs = 2.5 is not a whole number above 0"),
    ],
)
def test_impossible_sizes_are_told(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()
