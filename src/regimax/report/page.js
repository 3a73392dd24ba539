(async () => {
  const [report] = await Promise.all([unpacked("report-data").then(JSON.parse), loaded("plotly")]);
  readHash(report);
  const { showCells } = tables(report);
  const parts = [];
  const refresh = () => { for (const part of parts) part.refresh(); };

  /* Regimes that are hidden are so in every figure that can hide them. */
  const buttons = [...document.querySelectorAll(".legend button")];
  parts.push({
    refresh() {
      for (const button of buttons) button.setAttribute("aria-pressed", String(!chosen.hidden.has(button.dataset.regime)));
    },
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const name = button.dataset.regime;
      const hidden = new Set(chosen.hidden);
      if (!hidden.delete(name)) hidden.add(name);
      changed({ hidden });
    });
  }

  function changed(what) {
    Object.assign(chosen, what);
    refresh();
    writeHash(report);
  }

  const lines = curves(report, { changed, showCells });
  parts.push(lines, compared(report, { changed, showCells }), drawings(report));
  refresh();
  lines.draw(0, () => { document.documentElement.dataset.ready = "yes"; });
  dark.addEventListener("change", refresh);
  window.addEventListener("hashchange", () => { readHash(report); refresh(); });
})();
