"""Draws results of `benchmarks/peers.py`: environment steps per second of each way, by the number of agents.

Command: python docs/peers.py benchmarks/results/peers-cartpole-cpu-2-cores.json docs/results/peers-cartpole.svg
It needs Chromium, through playwright.
"""

import json
import sys
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from svg import draw

from regimax.report.figures import styles

NAMES = {
    "regimax-separate": "regimax, two trunks",
    "plain": "PureJaxRL's manner, two trunks",
    "rejax": "rejax, two trunks",
    "sb3": "Stable-Baselines3, two trunks",
    "regimax": "regimax, one trunk",
    "plain-shared": "PureJaxRL's manner, one trunk",
}
PATTERNS = {"regimax-separate": "", "regimax": "", "plain": "/", "plain-shared": "/", "rejax": "x", "sb3": "."}


def figure(result: dict[str, Any]) -> go.Figure:
    """Returns bars, medians of the turns, grouped by the number of agents."""
    drawn, look = go.Figure(), styles(list(NAMES))
    points = sorted(result["speed"], key=lambda point: point["agents"])
    for way, name in NAMES.items():
        there = [point for point in points if way in point["ways"]]
        if not there:
            continue
        drawn.add_bar(
            x=[f"{point['agents']:,}" for point in there],
            y=[point["ways"][way]["steps_per_second"] for point in there],
            name=name,
            marker={"color": look[way].light, "pattern": {"shape": PATTERNS[way], "fgcolor": "white", "size": 6}},
        )
    return drawn.update_layout(
        title_text=f"PPO on {result['world']}, {result['machine']}: steps of all agents per second",
        xaxis={"title": {"text": "agents side by side"}, "type": "category"},
        yaxis={"title": {"text": "environment steps per second, median"}, "tickformat": "~s"},
        barmode="group",
    )


if __name__ == "__main__":
    draw([(Path(sys.argv[2]), figure(json.loads(Path(sys.argv[1]).read_text())))])
