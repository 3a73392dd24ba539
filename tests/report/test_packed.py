"""What a page carries with it comes out as it went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from regimax.report.packed import packed, plotly, unpacked


@given(st.text())
def test_a_text_comes_back(text):
    assert unpacked(packed(text)) == text


def test_nothing_in_it_means_anything_to_html():
    assert not {"<", "\n", "\r", "\0"} & set(plotly())


def test_it_is_a_third_of_what_it_was():
    assert len(plotly().encode()) < 0.37 * len(get_plotlyjs().encode())
    assert unpacked(plotly()) == get_plotlyjs()


@pytest.mark.parametrize("size", range(1, 9))
def test_any_number_of_bytes_fits(size):
    assert unpacked(packed("x" * size)) == "x" * size
