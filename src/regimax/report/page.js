(async () => {
  const [report] = await Promise.all([unpacked("report-data").then(JSON.parse), loaded("plotly")]);
  const byId = (id) => document.getElementById(id);

  /* The same as quantity() in quantities.py. */
  const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
  function quantity(value, unit) {
    let power = 0;
    let scaled = Math.abs(value);
    while (Number(scaled.toPrecision(3)) >= 1000 && power < prefixes.length - 1) { scaled /= 1000; power += 1; }
    const symbol = prefixes[power] + unit;
    return (value < 0 ? "\u2212" : "") + String(Number(scaled.toPrecision(3))) + (symbol ? `\u00a0${symbol}` : "");
  }

  /* Curves. Python drew every figure on the first effort; here x values, colours and ranges are exchanged. */
  const state = { effort: report.efforts.length ? report.efforts[0].column : null, log: false, shared: true, hidden: new Set() };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = [];

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faint = (hex, alpha) => {
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${alpha})`;
  };

  function sharedRange() {
    const ranges = report.panels.map((panel) => panel.ranges[state.effort]).filter(Boolean);
    return ranges.length ? [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))] : null;
  }

  function axisOf(panel) {
    const effort = report.efforts.find((e) => e.column === state.effort);
    const range = state.shared ? sharedRange() : panel.ranges[state.effort];
    const axis = {
      "xaxis.title.text": effort.axis,
      "xaxis.title.font.color": variable("--muted"),
      "xaxis.type": state.log ? "log" : "linear",
      "xaxis.linecolor": variable("--axis"),
      "yaxis.gridcolor": variable("--grid"),
      "font.color": variable("--muted"),
      "yaxis.title.font.color": variable("--muted"),
      "hoverlabel.bgcolor": variable("--page"),
      "hoverlabel.bordercolor": variable("--axis"),
      "hoverlabel.font.color": variable("--ink"),
      "yaxis.range": [panel.low[state.effort], 1.03],
      shapes: report.threshold === null ? [] : [{
        type: "line", xref: "paper", x0: 0, x1: 1, y0: report.threshold, y1: report.threshold,
        line: { color: variable("--muted"), width: 1, dash: "dot" },
      }],
      "xaxis.dtick": null,
      "xaxis.tickvals": null,
    };
    if (!range) {
      axis["xaxis.autorange"] = true;
    } else if (state.log) {
      const [from, to] = range.map(Math.log10);
      const pad = Math.max(0.03 * (to - from), 0.02);
      axis["xaxis.range"] = [from - pad, to + pad];
      axis["xaxis.tickvals"] = logTicks(range[0] * 0.999, range[1] * 1.001);
    } else {
      axis["xaxis.range"] = [-0.012 * range[1], 1.03 * range[1]];
    }
    return axis;
  }

  /* At most six round values: 1, 2, 5 per decade within two decades, 1 and 3 within three, else powers of ten. */
  function logTicks(from, to) {
    const decades = Math.log10(to / from);
    const digits = decades < 1.6 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
    const stride = Math.max(1, Math.ceil(decades / 6));
    const ticks = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power += 1) {
      if (digits.length === 1 && power % stride !== 0) continue;
      for (const digit of digits) {
        const value = Number(`${digit}e${power}`);
        if (value >= from && value <= to) ticks.push(value);
      }
    }
    return ticks.length >= 2 ? ticks : null;
  }

  function tracesOf(panel) {
    const colours = panel.data.map((trace) => report.styles[trace.meta.regime][dark.matches ? "dark" : "light"]);
    const roles = panel.data.map((trace) => trace.meta.role);
    const unit = report.efforts.find((e) => e.column === state.effort).unit;
    const alpha = (dark.matches ? 0.17 : 0.13) * Math.min(1, 6 / Object.keys(report.styles).length);
    return {
      x: panel.x[state.effort],
      hovertemplate: panel.templates[state.effort],
      customdata: panel.x[state.effort].map((x, i) => (roles[i] === "band" ? null : x.map((v) => (v === null ? "" : quantity(v, unit))))),
      "line.color": colours,
      fillcolor: colours.map((colour, i) => faint(colour, roles[i] === "band" ? alpha : 0)),
      "marker.color": panel.data.map((trace, i) => (trace.meta.marks ?? []).map((mark) => (mark === "end" ? colours[i] : variable("--page")))),
      "marker.line.color": colours,
      visible: panel.data.map((trace) => !state.hidden.has(trace.meta.regime)),
    };
  }

  function refresh() {
    if (state.effort === null) return;
    const effort = report.efforts.find((e) => e.column === state.effort);
    byId("curves-title").textContent = `Success against ${effort.label}`;
    for (const { node, panel } of plots) Plotly.update(node, tracesOf(panel), axisOf(panel));
  }

  /* A few panels per frame, so that the page stays responsive with many of them. */
  function draw(from) {
    for (let i = from; i < Math.min(from + 3, report.panels.length); i += 1) {
      const panel = report.panels[i];
      const node = byId(`plot-${i}`);
      const config = { displayModeBar: false, responsive: true, doubleClick: "reset" };
      Plotly.newPlot(node, panel.data, panel.layout, config);
      plots.push({ node, panel });
      node.on("plotly_click", ({ points }) => showCells(`${points[0].data.meta.regime} ${report.settings[i]}`));
      Plotly.update(node, tracesOf(panel), axisOf(panel));
      node.dataset.drawn = "yes";
    }
    if (from + 3 < report.panels.length) setTimeout(() => draw(from + 3), 0);
    else document.documentElement.dataset.ready = "yes";
  }

  function press(buttons, chosen) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
  }

  if (report.panels.length) {
    byId("effort").addEventListener("change", (event) => { state.effort = event.target.value; refresh(); });
    byId("shared").addEventListener("change", (event) => { state.shared = event.target.checked; refresh(); });
    const scales = [byId("linear"), byId("log")];
    for (const button of scales) {
      button.addEventListener("click", () => { state.log = button.id === "log"; press(scales, button); refresh(); });
    }
    for (const button of document.querySelectorAll(".legend button")) {
      button.addEventListener("click", () => {
        const name = button.dataset.regime;
        if (!state.hidden.delete(name)) state.hidden.add(name);
        button.setAttribute("aria-pressed", String(!state.hidden.has(name)));
        refresh();
      });
    }
    dark.addEventListener("change", refresh);
    draw(0);
  } else {
    document.documentElement.dataset.ready = "yes";
  }

  /* Figures without controls. */
  function recolour() {
    for (const one of report.drawings) {
      const colours = one.data.map((trace) => trace.meta[dark.matches ? "dark" : "light"]);
      Plotly.update(byId(one.id), { "line.color": colours, "marker.color": colours }, {
        "font.color": variable("--muted"),
        "xaxis.title.font.color": variable("--muted"),
        "xaxis.linecolor": variable("--axis"),
        "yaxis.gridcolor": variable("--grid"),
        "hoverlabel.bgcolor": variable("--page"),
        "hoverlabel.bordercolor": variable("--axis"),
        "hoverlabel.font.color": variable("--ink"),
      });
    }
  }
  for (const one of report.drawings) {
    Plotly.newPlot(byId(one.id), one.data, one.layout, { displayModeBar: false, responsive: true, doubleClick: "reset" });
  }
  recolour();
  dark.addEventListener("change", recolour);

  /* Sorting: unknown values last in either direction. */
  function compare(a, b, down) {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return down ? -order : order;
  }

  function markSorted(head, chosen) {
    const down = chosen.getAttribute("aria-sort") === "ascending";
    for (const cell of head.querySelectorAll("th[aria-sort]")) cell.setAttribute("aria-sort", "none");
    chosen.setAttribute("aria-sort", down ? "descending" : "ascending");
    return down;
  }

  const summaryTable = byId("summary-table");
  if (summaryTable) {
    const body = summaryTable.tBodies[0];
    for (const head of summaryTable.querySelectorAll("th[data-column]")) {
      head.querySelector("button").addEventListener("click", () => {
        const column = Number(head.dataset.column);
        const down = markSorted(summaryTable.tHead, head);
        const value = (row) => {
          const raw = row.cells[column].dataset.value;
          return raw === "" ? null : row.cells[column].dataset.kind === "text" ? raw : Number(raw);
        };
        summaryTable.classList.remove("grouped");
        const rows = [...body.rows].filter((row) => !row.classList.contains("group-row"));
        body.append(...rows.sort((a, b) => compare(value(a), value(b), down)));
      });
    }
  }

  /* Cells: all of them are in the page, only the first of the current order are rows. */
  const SHOWN = report.shown;
  function cellText(value, kind) {
    if (value === null) return "\u2013";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value);
    if (kind === "fraction") return value.toFixed(2);
    if (kind === "plain") return String(Number(value.toPrecision(6)));
    return quantity(value, kind === "flops" ? "FLOP" : kind === "bits" ? "bit" : "");
  }

  const cells = report.cells;
  let order = cells.rows.map((_, i) => i);
  let sorted = null;

  function renderCells() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (i) => cells.columns.map((c, k) => (c.kind === "text" ? String(cells.rows[i][k]) : "")).join(" ").toLowerCase();
    const found = words.length ? order.filter((i) => { const t = text(i); return words.every((w) => t.includes(w)); }) : order;
    const body = byId("cell-table").tBodies[0];
    body.replaceChildren(...found.slice(0, SHOWN).map((i) => {
      const row = document.createElement("tr");
      cells.columns.forEach((column, k) => {
        const cell = document.createElement("td");
        const value = cells.rows[i][k];
        cell.textContent = cellText(value, column.kind);
        if (column.kind === "text") cell.className = "left";
        else if (typeof value === "number") cell.title = String(value);
        row.append(cell);
      });
      return row;
    }));
    byId("cell-note").textContent = found.length > SHOWN
      ? `The first ${SHOWN} of ${found.length.toLocaleString("en")} rows in this order; sort or filter to see others, download for all.`
      : `${found.length.toLocaleString("en")} of ${cells.rows.length.toLocaleString("en")} rows.`;
  }

  function headCells() {
    const row = document.createElement("tr");
    cells.columns.forEach((column, k) => {
      const head = document.createElement("th");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = column.name;
      head.scope = "col";
      head.setAttribute("aria-sort", "none");
      if (column.kind === "text") head.className = "left";
      head.append(button);
      button.addEventListener("click", () => {
        const down = markSorted(row, head);
        order = cells.rows.map((_, i) => i).sort((a, b) => compare(cells.rows[a][k], cells.rows[b][k], down) || a - b);
        renderCells();
      });
      row.append(head);
    });
    byId("cell-table").tHead.replaceChildren(row);
  }

  const details = byId("cell-details");
  details.addEventListener("toggle", () => {
    if (!details.open || sorted) return;
    sorted = true;
    headCells();
    renderCells();
  });
  byId("filter").addEventListener("input", renderCells);
  function showCells(words) {
    byId("filter").value = words;
    if (details.open) renderCells();
    else details.open = true;
    details.scrollIntoView({ behavior: "smooth" });
  }

  /* Tables that are wider than the page say that they scroll. */
  const wide = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const box = target.closest(".scroll");
      box.classList.toggle("overflows", box.querySelector("table").offsetWidth > box.clientWidth + 1);
    }
  });
  for (const box of document.querySelectorAll(".scroll")) for (const one of [box, ...box.children]) wide.observe(one);

  /* Downloads, RFC 4180, made here: nothing leaves the page. */
  const field = (value) => {
    if (value === null) return "";
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  function download(frame, name) {
    const lines = [frame.columns.map((c) => c.name), ...frame.rows].map((row) => row.map(field).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  byId("download-summary").addEventListener("click", () => download(report.summary, `${report.file}-summary.csv`));
  byId("download-cells").addEventListener("click", () => download(report.cells, `${report.file}-cells.csv`));
})();
