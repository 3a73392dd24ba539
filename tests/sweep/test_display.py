"""What a run shows."""

import io
import re
import time

import jax
import pytest
from rich.console import Console

from regimax.sweep.display import Progressing, duration, human
from regimax.sweep.executables import Compiling
from regimax.sweep.plan import make_plan
from regimax.sweep.pool import Tick


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0"), (999, "999"), (48_200, "48.2 k"), (3.08e12, "3.08 T"), (2e18, "2 E")]
)
def test_numbers(number, expected):
    assert human(number) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, "0:00"), (61.6, "1:02"), (3723, "1:02:03")])
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def show(tiny, terminal, monkeypatch):
    monkeypatch.setattr("regimax.sweep.display.LINE_SECONDS", 0.02)
    out = io.StringIO()
    compiling = [Compiling("rl advance", time.monotonic() - 75.2)]
    with Progressing(Console(file=out, force_terminal=terminal, width=200)) as display:
        display.start(make_plan(tiny()), 3, 12, jax.local_devices(), lambda: compiling)
        display.pool("rl", 12, 16)
        for _ in range(3):
            display.tick(Tick(lanes=16, busy=12, updates=24, finished=1), env_steps=384)
        display.say("a word")
        until = time.monotonic() + 60
        while "compiling rl advance" not in out.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    return out.getvalue()


def test_a_pipe_gets_lines_also_while_nothing_ticks(tiny, monkeypatch):
    text = show(tiny, False, monkeypatch)
    assert "18 cells in 24 stages: 168 updates" in text
    assert "going on: 12 updates and 3 of 24 stages were done before" in text
    assert "phase rl: 12 stages ready, 16 lanes" in text
    assert "6/24 stages · phase rl, 16 lanes · 75% busy" in text
    assert int(re.search(r"compiling rl advance for (\d+) s", text)[1]) >= 75
    assert "\x1b" not in text


def test_a_terminal_gets_a_live_bar_that_is_gone_at_the_end(tiny, monkeypatch):
    text = show(tiny, True, monkeypatch)
    assert "\x1b[?25l" in text
    assert text.count("\x1b[?25h") == 1
    assert "a word" in text
    assert int(re.search(r"compiling rl advance for (\d+) s", text)[1]) >= 75
