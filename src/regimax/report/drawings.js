/* Figures without controls. */
function drawings(report) {
  function refresh() {
    for (const one of report.drawings) {
      const colours = one.data.map((trace) => colour(trace.meta));
      Plotly.update(byId(one.id), { "line.color": colours, "marker.color": colours }, themed());
    }
  }
  for (const one of report.drawings) Plotly.newPlot(byId(one.id), one.data, one.layout, config);
  refresh();
  return { refresh };
}
