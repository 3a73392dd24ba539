"""Factories that give the same object for the same arguments."""

import weakref
from copy import deepcopy

import numpy as np
import pytest

import regimax as rx
from regimax.factories import once, once_for

MADE = {
    "networks.mlp": lambda: rx.networks.mlp((4, 3)),
    "networks.gru": lambda: rx.networks.gru(8),
    "networks.low_rank": lambda: rx.networks.low_rank(rx.networks.gru(8), 2),
    "learners.always_on": lambda: rx.learners.always_on(2, values={"capacity": 64}),
    "learners.actor_critic": lambda: rx.learners.actor_critic(num_epochs=2),
    "learners.prediction": lambda: rx.learners.prediction(rx.learners.objectives.contrastive()),
    "sources.own_behaviour": lambda: rx.sources.own_behaviour(4, record=("outcome",)),
    "sources.transcripts": rx.sources.transcripts,
}


@pytest.mark.parametrize("name", MADE)
def test_parts_are_made_once(name):
    assert MADE[name]() is MADE[name]()


def test_kinds_of_numbers_are_told_apart_and_what_cannot_be_hashed_is_made_anew():
    made = once(lambda *args, **options: object())
    assert made(1) is made(1)
    assert made(1) is not made(1.0)
    assert made(1) is not made(True)
    assert made(a=1) is not made(1)
    assert made(np.ones(1)) is not made(np.ones(1))
    assert made([np.ones(1)]) is not made([np.ones(1)])


CONTAINERS = [
    {"a": 1},
    {"a": 1.0},
    {"b": 1},
    {1: "a"},
    {True: "a"},
    [1],
    (1,),
    {1},
    [1.0],
    [[1]],
    [(1,)],
    {"a": {"a": 1}},
]


def test_containers_are_told_apart_by_what_they_hold():
    made = once(lambda *args, **options: object())
    things = [made(one) for one in CONTAINERS]
    assert len(set(map(id, things))) == len(CONTAINERS)
    assert [made(deepcopy(one)) for one in CONTAINERS] == things
    assert made(options={"a": [1]}) is made(options={"a": [1]}) is not made({"a": [1]})


def test_who_changes_a_container_afterwards_changes_nothing_that_was_made():
    made = once(lambda options: lambda: {name: list(value) for name, value in options.items()})
    mine = {"a": [1]}
    thing = made(mine)
    mine["a"].append(2)
    mine["b"] = [3]
    assert thing() == {"a": [1]}
    assert made({"a": [1]}) is thing is not made(mine)
    assert made(mine)() == {"a": [1, 2], "b": [3]}


def test_an_error_is_raised_each_time():
    for _ in range(2):
        with pytest.raises(rx.UserError):
            rx.networks.gru(0)


def test_what_is_found_of_a_function_goes_with_it(collect):
    asked = []

    @once_for(lambda pair: pair[0])
    def found(pair):
        asked.append(pair[1])
        return [pair[1]]

    def one(x):
        return x

    assert found((one, 1)) is found((one, 2))
    assert found((lambda x: x, 3)) == [3]
    assert asked == [1, 3]
    gone = weakref.ref(one)
    del one
    collect()
    assert gone() is None
