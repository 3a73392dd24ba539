(async () => {
  const [given] = await Promise.all([unpacked("claims-data").then(JSON.parse), loaded("plotly")]);
  const byId = (id) => document.getElementById(id);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* Figures are made for a white page. On a dark one, colours of the palette are exchanged wherever they stand. */
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const exchange = new Map();
  for (const [light, other] of given.palette) {
    exchange.set(light, other);
    exchange.set(`rgba(${rgb(light).join(",")}`, `rgba(${rgb(other).join(",")}`);
  }
  function recoloured(value) {
    if (Array.isArray(value)) return value.map(recoloured);
    if (value !== null && typeof value === "object" && !ArrayBuffer.isView(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner)]));
    }
    if (typeof value !== "string") return value;
    const text = value.toLowerCase();
    if (exchange.has(text)) return exchange.get(text);
    const found = text.replaceAll(" ", "").match(/^(rgba\(\d+,\d+,\d+)(,.*\))$/);
    return found && exchange.has(found[1]) ? exchange.get(found[1]) + found[2] : value;
  }

  function themed(layout) {
    const out = { ...layout };
    out.font = { size: 12, ...layout.font, family: variable("--sans"), color: variable("--muted") };
    out.paper_bgcolor = "rgba(0,0,0,0)";
    out.plot_bgcolor = "rgba(0,0,0,0)";
    out.hoverlabel = {
      ...layout.hoverlabel, bgcolor: variable("--page"), bordercolor: variable("--axis"),
      font: { color: variable("--ink"), family: variable("--sans"), size: 12 },
    };
    out.margin = { l: 64, r: 18, t: 12, b: 52, ...layout.margin };
    out.legend = { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...layout.legend, bgcolor: "rgba(0,0,0,0)" };
    if (layout.showlegend !== false) out.margin.t = Math.max(out.margin.t, 40);
    for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))])) {
      out[name] = {
        automargin: true, ...layout[name], gridcolor: variable("--grid"), linecolor: variable("--axis"), zerolinecolor: variable("--axis"),
      };
    }
    return out;
  }

  const config = { displayModeBar: false, responsive: true, doubleClick: "reset" };
  function draw(index) {
    const figure = given.figures[index];
    if (figure === undefined) { document.documentElement.dataset.ready = "yes"; return; }
    const data = dark.matches ? recoloured(figure.data) : structuredClone(figure.data);
    const layout = themed(dark.matches ? recoloured(figure.layout) : structuredClone(figure.layout));
    Plotly.react(byId(`plot-${index}`), data, layout, config);
    setTimeout(() => draw(index + 1), 0);
  }
  dark.addEventListener("change", () => draw(0));

  /* Sorting: unknown values last in either direction. */
  const table = byId("claims-table");
  const heads = [...table.tHead.rows[0].cells];
  function value(row, column) {
    const cell = row.cells[column];
    if (cell.dataset.value === "") return null;
    return cell.dataset.kind === "text" ? cell.dataset.value : Number(cell.dataset.value);
  }
  function compare(a, b, down) {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return down ? -order : order;
  }
  heads.forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => compare(value(a, column), value(b, column), down)));
    });
  });

  /* Downloads, made here: nothing leaves the page. */
  function save(text, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  byId("download-claims").addEventListener("click", () => {
    save(JSON.stringify(given.claims, null, 1), "application/json", `${given.file}-claims.json`);
  });

  /* A figure as rows, RFC 4180: the trace, its point, and error bars where there are any. */
  const field = (entry) => {
    if (entry === null || entry === undefined) return "";
    const text = String(entry);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  function rowsOf(trace) {
    const name = trace.name ?? trace.type ?? "";
    const list = (values) => (values ? Array.from(values) : []);
    if (trace.z !== undefined) {
      return list(trace.z).flatMap((line, i) => list(line).map((z, k) => [name, list(trace.x)[k] ?? k, list(trace.y)[i] ?? i, z]));
    }
    const [x, y] = [list(trace.x), list(trace.y)];
    const error = trace.error_y ?? {};
    return Array.from({ length: Math.max(x.length, y.length) }, (_, i) => [
      name, x[i], y[i], null, list(error.array)[i], list(error.arrayminus)[i],
    ]);
  }
  for (const button of document.querySelectorAll("button[data-download]")) {
    button.addEventListener("click", () => {
      const index = Number(button.dataset.download);
      const rows = byId(`plot-${index}`).data.flatMap(rowsOf);
      const lines = [["trace", "x", "y", "z", "above", "below"], ...rows].map((row) => row.map(field).join(","));
      save(lines.join("\r\n") + "\r\n", "text/csv", `${given.file}-figure-${index + 1}.csv`);
    });
  }

  draw(0);
})();
