"""Figures as SVG on white, for pages that run no script. It needs Chromium, through playwright."""

import math
from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 760, 440
TOP, BOTTOM = 90, 55
"""Margins, pixels, with room for a title and two lines of a legend, and for one line of an axis' title."""
LINE = 19
"""Pixels of a line of a legend or a title."""


def margins(figure: go.Figure) -> tuple[int, int]:
    """Returns the margins above and below, which a long legend and a title of several lines take more of."""
    shown = sum(trace.showlegend is not False for trace in figure.data)
    more = str(figure.layout.xaxis.title.text).count("<br>") + str(figure.layout.xaxis.ticktext).count("<br>") // 2
    return TOP + LINE * max(0, math.ceil(shown / 3) - 2), BOTTOM + LINE * min(more, 2)


def draw(figures: Sequence[tuple[Path, go.Figure]]) -> None:
    """Writes figures as SVG on white, drawn by the plotly.js that the pages carry."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<!doctype html><html><body></body></html>")
        page.add_script_tag(content=get_plotlyjs())
        for path, figure in figures:
            top, bottom = margins(figure)
            plain = go.Figure(figure).update_layout(
                template="plotly_white", font={"family": "sans-serif"}, margin={"l": 70, "r": 20, "t": top, "b": bottom}
            )
            plain.update_layout(title={"x": 0.02, "y": 0.97, "yanchor": "top", "font": {"size": 15}})
            plain.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
            plain.update_yaxes(title_font_size=11)
            height = HEIGHT + top - TOP + bottom - BOTTOM
            source = page.evaluate(
                f"f => Plotly.toImage(JSON.parse(f), {{format: 'svg', width: {WIDTH}, height: {height}}})",
                plain.to_json(),
            )
            text = page.evaluate("s => decodeURIComponent(s.slice(s.indexOf(',') + 1))", source)
            path.write_text(text + "\n")
        browser.close()
