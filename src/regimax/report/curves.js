/* Curves. Python drew every figure on the first effort; here x values, colours and ranges are exchanged. */
function curves(report, { changed, showCells }) {
  const plots = [];
  const series = report.series.map((one) => {
    const x = Object.fromEntries(Object.entries(one.x).map(([column, steps]) => [column, summed(steps)]));
    return { ...one, x, text: one.median.map((_, i) => reading(one, i)) };
  });

  /* The other way round than in_steps() in series.py. */
  function summed({ unit, steps }) {
    let at = 0;
    return steps.map((step) => {
      if (step === null) return null;
      at += step;
      return Number((at * unit).toPrecision(7));
    });
  }

  /* The same as _reading() in figures.py. */
  function reading(one, i) {
    const end = (value) => (value === null ? "solved" : value.toFixed(2));
    const lines = [`success ${one.median[i].toFixed(2)} (quartiles ${end(one.q25[i])} to ${end(one.q75[i])})`];
    lines.push(`${one.n[i]} of ${one.seeds} seeds measured`);
    if (one.solved[i]) lines.push(`${one.solved[i]} of ${one.seeds} stopped as solved`);
    if (one.diverged[i]) lines.push(`${one.diverged[i]} diverged before`);
    return lines.join("<br>");
  }

  const seriesOf = (panel, trace) => series[panel.series[trace.meta.regime]];
  const banded = (one) => one.median.map((_, i) => i).filter((i) => one.q25[i] !== null && one.q75[i] !== null);

  /* A trace with the numbers that do not depend on the effort. */
  function filled(panel, trace) {
    const one = seriesOf(panel, trace);
    if (trace.meta.role === "pretraining") return { ...trace };
    if (trace.meta.role === "line") return { ...trace, y: one.median, text: one.text };
    const known = banded(one);
    return { ...trace, y: [...known.map((i) => one.q75[i]), ...known.toReversed().map((i) => one.q25[i])] };
  }

  /* The same as _x() in figures.py. */
  function xOf(panel, trace) {
    const one = seriesOf(panel, trace);
    const x = one.x[chosen.effort];
    if (trace.meta.role === "line") return x;
    if (trace.meta.role === "band") {
      const known = banded(one).map((i) => x[i]);
      return [...known, ...known.toReversed()];
    }
    const end = one.before[chosen.effort] ?? null;
    const range = panel.ranges[chosen.effort];
    return [end !== null && range ? Math.min(range[0], end) : end, end];
  }

  function sharedRange() {
    const ranges = report.panels.map((panel) => panel.ranges[chosen.effort]).filter(Boolean);
    return ranges.length ? [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))] : null;
  }

  function axisOf(panel) {
    const effort = report.efforts.find((e) => e.column === chosen.effort);
    const range = chosen.shared ? sharedRange() : panel.ranges[chosen.effort];
    const axis = {
      ...themed(),
      "xaxis.title.text": effort.axis,
      "xaxis.type": chosen.log ? "log" : "linear",
      "yaxis.range": [panel.low[chosen.effort], 1.03],
      shapes: report.threshold === null ? [] : [{
        type: "line", xref: "paper", x0: 0, x1: 1, y0: report.threshold, y1: report.threshold,
        line: { color: variable("--muted"), width: 1, dash: "dot" },
      }],
      "xaxis.dtick": null,
      "xaxis.tickvals": null,
    };
    if (!range) {
      axis["xaxis.autorange"] = true;
    } else if (chosen.log) {
      const [from, to] = range.map(Math.log10);
      const pad = Math.max(0.03 * (to - from), 0.02);
      axis["xaxis.range"] = [from - pad, to + pad];
      axis["xaxis.tickvals"] = logTicks(range[0] * 0.999, range[1] * 1.001);
    } else {
      axis["xaxis.range"] = [-0.012 * range[1], 1.03 * range[1]];
    }
    return axis;
  }

  function tracesOf(panel) {
    const colours = panel.data.map((trace) => colour(report.styles[trace.meta.regime]));
    const roles = panel.data.map((trace) => trace.meta.role);
    const unit = report.efforts.find((e) => e.column === chosen.effort).unit;
    const alpha = (dark.matches ? 0.17 : 0.13) * Math.min(1, 6 / Object.keys(report.styles).length);
    const xs = panel.data.map((trace) => xOf(panel, trace));
    return {
      x: xs,
      hovertemplate: panel.templates[chosen.effort],
      customdata: xs.map((x, i) => (roles[i] === "band" ? null : x.map((v) => (v === null ? "" : quantity(v, unit))))),
      "line.color": colours,
      fillcolor: colours.map((hex, i) => faint(hex, roles[i] === "band" ? alpha : 0)),
      "marker.color": panel.data.map((trace, i) => (trace.meta.marks ?? []).map((mark) => (mark === "end" ? colours[i] : variable("--page")))),
      "marker.line.color": colours,
      visible: panel.data.map((trace) => !chosen.hidden.has(trace.meta.regime)),
    };
  }

  function refresh() {
    if (!report.panels.length) return;
    const effort = report.efforts.find((e) => e.column === chosen.effort);
    byId("curves-title").textContent = `Success against ${effort.label}`;
    byId("effort").value = chosen.effort;
    byId("shared").checked = chosen.shared;
    press([byId("linear"), byId("log")], byId(chosen.log ? "log" : "linear"));
    for (const { node, panel } of plots) Plotly.update(node, tracesOf(panel), axisOf(panel));
  }

  /* A few panels per frame, so that the page stays responsive with many of them. */
  function draw(from, done) {
    for (let i = from; i < Math.min(from + 3, report.panels.length); i += 1) {
      const panel = report.panels[i];
      const node = byId(`plot-${i}`);
      Plotly.newPlot(node, panel.data.map((trace) => filled(panel, trace)), panel.layout, config);
      plots.push({ node, panel });
      node.on("plotly_click", ({ points }) => {
        const one = seriesOf(panel, points[0].data);
        showCells(`${one.regime} ${one.setting}`);
      });
      Plotly.update(node, tracesOf(panel), axisOf(panel));
      node.dataset.drawn = "yes";
    }
    if (from + 3 < report.panels.length) setTimeout(() => draw(from + 3, done), 0);
    else done();
  }

  if (report.panels.length) {
    byId("effort").addEventListener("change", (event) => changed({ effort: event.target.value }));
    byId("shared").addEventListener("change", (event) => changed({ shared: event.target.checked }));
    for (const id of ["linear", "log"]) byId(id).addEventListener("click", () => changed({ log: id === "log" }));
  }
  return { draw, refresh };
}
