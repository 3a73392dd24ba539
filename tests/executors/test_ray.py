"""What a Ray cluster has room for, and how what ends there is told."""

import pytest

from regimax.executors.ray import Room, room

HEAD = {"CPU": 8.0, "memory": 1e9, "node:10.0.0.1": 1.0}


@pytest.mark.parametrize(
    ("nodes", "workers", "found"),
    [
        ([HEAD], None, Room(None, 1, 8)),
        ([HEAD], 1, Room(None, 8, 1)),
        ([{"CPU": 4.0}, {"CPU": 4.0}], 2, Room(None, 4, 2)),
        ([{"CPU": 4.0}, {"CPU": 4.0}], 3, Room(None, 2, 3)),  # all of a worker's cores are on one node
        ([{"CPU": 2.0}, {"CPU": 16.0}], 2, Room(None, 8, 2)),
        ([HEAD], 12, Room(None, 1, 12)),  # some wait
        ([{"CPU": 0.0}], None, Room(None, 1, 1)),  # what is asked for is seen by an autoscaler
        ([], None, Room(None, 1, 1)),
        ([HEAD, {"CPU": 4.0, "GPU": 4.0}], None, Room("GPU", 1, 4)),  # not the head's cores
        ([HEAD, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 6.0, "GPU": 2.0}], None, Room("GPU", 3, 4)),
        ([{"CPU": 16.0, "GPU": 2.0}], 1, Room("GPU", 8, 1)),
        ([HEAD, {"CPU": 24.0, "TPU": 4.0, "TPU-v6e-4-head": 1.0}], None, Room("TPU", 6, 4)),
        ([{"CPU": 0.0}, {"CPU": 0.0, "GPU": 1.0}], None, Room("GPU", 0, 1)),
    ],
)
def test_a_worker_finds_all_that_it_needs_on_one_node(nodes, workers, found):
    assert room(nodes, workers) == found
