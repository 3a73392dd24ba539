"""The heat map: medians are fields, and what was not reached is a bound without a colour."""

from types import SimpleNamespace

import polars as pl
import pytest

from regimax.errors import UserError
from regimax.report.heat_map import INK, heat_map

from .conftest import run_with

NEEDED = {("a", 1, 0.5): 40, ("a", 2, 0.5): 10, ("a", 1, 1.0): 20, ("a", 2, 1.0): 10, ("b", 1, 0.5): None}


def make_run() -> SimpleNamespace:
    """Five worlds at two widths of two channels; arm `b` at one of them alone, where it needs more than its 100."""
    return run_with(NEEDED, ["wide", "bits"])


def test_medians_are_fields_and_censored_ones_are_bounds_without_a_colour():
    figure = heat_map(make_run(), ["a", "b"], x=8 * pl.col("wide"), y=pl.col("bits"), x_axis="senses", title="Widths")
    a, none, b, more = figure.data
    assert (list(a.x), list(a.y)) == (["8", "16"], ["0.5", "1"])
    assert [list(line) for line in a.z] == [
        [pytest.approx(1.602, abs=1e-3), 1.0],
        [pytest.approx(1.301, abs=1e-3), 1.0],
    ]
    assert [list(line) for line in a.text] == [["40", "10"], ["20", "10"]]
    assert len(none.x or ()) == 0
    assert [list(line) for line in b.z] == [[None, None], [None, None]]
    assert (list(more.x), list(more.y), list(more.text)) == (["8"], ["0.5"], ["> 100"])
    assert "was not reached" in more.hovertext[0]
    assert more.textfont.color == INK
    assert figure.layout.title.text == "Widths"
    assert list(figure.layout.coloraxis.colorbar.ticktext) == ["10", "20"]
    assert [note.text for note in figure.layout.annotations] == ["a", "b"]


def test_two_settings_at_one_pair_of_widths_are_refused():
    with pytest.raises(UserError, match="choose one setting"):
        heat_map(make_run(), ["a"], x=pl.lit(1.0), y=pl.col("bits"))
