"""A function that is called with room for frames does what it did, and its calls cross no chunk's edge."""

import resource
import sys
import threading

import pytest

from regimax.frames import with_room

pytestmark = pytest.mark.versions


def leaf(n):
    """Three frames."""
    return n and (lambda: (lambda: n)())()


def deep(depth, calls):
    """So many calls of a function at a depth."""
    if depth:
        return deep(depth - 1, calls)
    return sum(leaf(i) for i in range(calls))


def faults(function, *args):
    """Pages that a call was given anew, in a thread of its own, whose stack of frames begins empty."""
    found = []

    def run():
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        function(*args)
        found.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts for each thread")
def test_no_depth_is_at_an_edge():
    # Where it is at one each of the 200 calls takes a chunk, and is given its first page anew.
    depths, calls = range(100, 200), 200
    worst = max(faults(with_room(deep), depth, calls) for depth in depths)
    assert worst < calls / 2
    if sys.version_info < (3, 13):
        assert max(faults(deep, depth, calls) for depth in depths) > calls


def test_it_is_the_same_function():
    @with_room
    def told(a, *rest, b=2, **more):
        """Says what it is given."""
        return a, rest, b, more

    assert told(1, 2, 3, b=4, c=5) == (1, (2, 3), 4, {"c": 5})
    assert told.__doc__ == "Says what it is given."
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 / 0)()
    assert with_room(deep)(400, 1) == deep(400, 1)
