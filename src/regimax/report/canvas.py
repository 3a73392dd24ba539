"""The empty figure that all figures of the page are drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import plotly.graph_objects as go

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
_AXIS = {"gridcolor": "#e6e8eb", "zeroline": False, "ticks": "", "fixedrange": False, "automargin": False}


class Drawing(NamedTuple):
    """A figure that the page shows as it is.

    Attributes:
      caption: what it shows; plain text.
      figure: its traces say in `meta` the two colours of each, ``light`` and ``dark``.
    """

    caption: str
    figure: go.Figure


def canvas(x: Mapping[str, Any], y: Mapping[str, Any], **layout: Any) -> go.Layout:
    """Returns a layout for a figure of the page, whose colours its script changes with those of the page.

    Args:
      x: of the horizontal axis; `title` is its text.
      y: of the vertical axis.
      **layout: anything else.
    """
    x, y = ({**_AXIS, **axis, "title": {"text": axis["title"], "font": {"size": 12}}} for axis in (x, y))
    x["title"]["standoff"], y["title"]["standoff"] = 8, 4
    settings = {
        "template": go.layout.Template(),
        "font": {"family": _FONT, "size": 12, "color": "#5b6168"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 46, "r": 12, "t": 8, "b": 44},
        "hovermode": "closest",
        "hoverdistance": 24,
        "hoverlabel": {"font": {"family": _FONT, "size": 12}, "align": "left"},
        "dragmode": "zoom",
        "showlegend": False,
        "xaxis": {"showgrid": False, "showline": True, "linecolor": "#b6bbc1", **x},
        "yaxis": y,
    }
    return go.Layout(**(settings | layout))
