"""What is given to the writer is done in its order, beside the caller, until something fails."""

import threading

import pytest

from regimax.sweep.writer import Writer


@pytest.fixture
def writer():
    made = Writer()
    yield made
    made.close()


def test_what_is_given_is_done_in_its_order_beside_the_caller(writer):
    go, done = threading.Event(), []
    writer.submit(lambda: done.append(go.wait(10)))
    writer.submit(lambda: done.append("second"))
    assert done == []
    go.set()
    writer.wait()
    assert done == [True, "second"]
    assert writer.seconds > 0


class Killed(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("error", [OSError, Killed])
def test_nothing_is_done_after_what_has_failed_and_the_caller_is_told(writer, error):
    go, done = threading.Event(), []

    def fail():
        go.wait(10)
        raise error

    writer.submit(fail)
    writer.submit(lambda: done.append("after"))
    go.set()
    with pytest.raises(error):
        writer.wait()
    writer.wait()
    writer.submit(lambda: done.append("after"))
    writer.wait()
    assert writer.failed
    assert done == []


def test_it_is_told_where_the_next_is_given():
    writer = Writer()

    def fail():
        raise OSError("full")

    writer.submit(fail)
    writer.close()
    with pytest.raises(OSError, match="full"):
        writer.submit(lambda: None)
