/* Medians against a setting. Python took them; here the reader chooses what stands on the axes, and in which panel. */
function compared(report, { changed, showCells }) {
  const { axes, measures, groups, panels: most } = report.compared;
  const names = Object.keys(axes);
  const regimes = Object.keys(report.styles);
  const nodes = [];
  if (!measures.length) return { refresh() {} };

  const place = (name) => names.indexOf(name);
  const value = (group, name) => group.at[place(name)];
  const measured = () => measures.find((measure) => measure.column === chosen.vertical);
  const isFraction = (measure) => ["success", "solved"].includes(measure.column);
  const written = (measure, number) => (measure.unit || !(isFraction(measure) || measure.column === "return")
    ? quantity(number, measure.unit) : number.toFixed(2));
  const sentence = (text) => text[0].toUpperCase() + text.slice(1);

  /* A regime that has no such setting stands wherever the others do. */
  const stands = (group, name, at) => value(group, name) === null || value(group, name) === at;
  const fixed = () => names.filter((name) => name !== chosen.against && name !== chosen.facets);

  function drawnGroups() {
    return groups.filter((group) => !chosen.hidden.has(group.regime) && group.of[chosen.vertical][0] !== null
      && fixed().every((name) => stands(group, name, axes[name][chosen.at[name]])));
  }

  function panelsOf(shown) {
    if (!chosen.facets) return shown.length ? [{ title: "", groups: shown }] : [];
    const all = axes[chosen.facets].map((at) => ({
      title: /\./.test(chosen.facets) || typeof at === "number" ? `${chosen.facets} = ${at}` : String(at),
      groups: shown.filter((group) => stands(group, chosen.facets, at)),
      own: shown.some((group) => value(group, chosen.facets) === at),
    }));
    return all.filter((panel) => panel.own);
  }

  /* Where values stand: numbers by size, spaced by their logarithm where they can be; words, and regimes, in a row. */
  function horizontal() {
    const values = chosen.against === "regime" ? regimes.filter((name) => !chosen.hidden.has(name)) : axes[chosen.against];
    if (values.every((one) => typeof one === "number")) {
      const log = values[0] > 0 && values.at(-1) / values[0] >= 4;
      const to = log ? Math.log10 : Number;
      const [low, high] = [to(values[0]), to(values.at(-1))];
      const pad = 0.06 * (high - low);
      const near = values.some((one, i) => i && (to(one) - to(values[i - 1])) < 0.09 * (high - low));
      const axis = { type: log ? "log" : "linear", range: [low - pad, high + pad], nticks: 6, tickformat: "~s" };
      if (!near) Object.assign(axis, { tickvals: values, ticktext: values.map((one) => (one >= 1e4 ? quantity(one, "") : String(one))) });
      else if (log) axis.tickvals = logTicks(values[0] * 0.999, values.at(-1) * 1.001);
      const ends = axis.range.map((end) => (log ? 10 ** end : end));
      return { axis, ends, x: (group) => value(group, chosen.against), joined: true };
    }
    const columns = regimes.filter((name) => !chosen.hidden.has(name));
    const step = chosen.against === "regime" ? 0 : Math.min(0.12, 0.7 / columns.length);
    const beside = (group) => step * (columns.indexOf(group.regime) - (columns.length - 1) / 2);
    const at = (group) => (chosen.against === "regime" ? group.regime : value(group, chosen.against));
    const axis = {
      type: "linear", range: [-0.6, values.length - 0.4], tickvals: values.map((_, i) => i),
      ticktext: values.map((one) => folded(String(one))), tickangle: values.length > 5 ? -35 : 0,
    };
    return {
      axis, ends: axis.range, joined: false,
      x: (group) => (at(group) === null ? null : values.indexOf(at(group)) + beside(group)),
    };
  }

  /* Words beside an axis, in short lines. */
  function folded(text, width = 13) {
    const lines = [""];
    for (const word of text.split(/(?<=[ _])/)) {
      if (lines.at(-1) && (lines.at(-1) + word).length > width) lines.push("");
      lines[lines.length - 1] += word;
    }
    return lines.map((line) => plain(line.trim())).join("<br>");
  }

  function vertical(shown) {
    const measure = measured();
    if (isFraction(measure)) {
      return { range: [-0.03, 1.03], tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ["0", "", "0.5", "", "1"] };
    }
    const numbers = shown.flatMap((group) => group.of[measure.column].slice(0, 3)).filter((one) => one !== null);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    if (low > 0 && measure.column !== "return") {
      const pad = Math.max(0.06 * Math.log10(high / low), 0.05);
      const range = [Math.log10(low) - pad, Math.log10(high) + pad];
      return { type: "log", range, tickvals: logTicks(...range.map((end) => 10 ** end)) ?? undefined, tickformat: "~s", nticks: 5 };
    }
    const pad = 0.06 * (high - low) || 0.06 * Math.abs(high) || 1;
    return { type: "linear", range: [low - pad, high + pad], tickformat: "~s", nticks: 6 };
  }

  function reading(group) {
    const measure = measured();
    const [middle, low, high, more] = group.of[measure.column];
    const end = (number) => (number === null ? "not reached" : written(measure, number));
    const ends = measure.column === "solved" ? "95 % interval" : "quartiles";
    const spread = low === null && high === null ? "" : ` (${ends} ${end(low)} to ${end(high)})`;
    return [
      `<b>${plain(group.regime)}</b>${group.setting ? `, ${plain(group.setting)}` : ""}`,
      `${measure.label}: ${more ? "more than " : ""}${written(measure, middle)}${more ? "" : spread}`,
      `${group.solved} of ${group.seeds} seeds got to the threshold`,
    ].join("<br>");
  }

  function tracesOf(regime, shown, { x, ends, joined }) {
    const style = report.styles[regime];
    const hex = colour(style);
    const column = chosen.vertical;
    const common = { name: regime, showlegend: false, hovertemplate: "%{text}<extra></extra>" };
    const line = { color: hex, width: 2, dash: style.dash || "solid" };
    const own = shown.filter((group) => x(group) !== null).sort((a, b) => x(a) - x(b));
    const known = own.map((group) => !group.of[column][3]);
    const reach = (group, to) => {
      const [middle, low, high, more] = group.of[column];
      const end = to > 0 ? high : low;
      return more || end === null ? 0 : Math.abs(end - middle);
    };
    const traces = own.length === 0 ? [] : [{
      ...common, meta: { groups: own }, line,
      mode: joined ? "lines+markers" : "markers",
      x: own.map(x),
      y: own.map((group, i) => (known[i] ? group.of[column][0] : null)),
      error_y: {
        type: "data", symmetric: false, array: own.map((group) => reach(group, 1)),
        arrayminus: own.map((group) => reach(group, -1)), color: hex, thickness: 1.3, width: 3,
      },
      marker: { color: hex, symbol: style.symbol, size: 8 },
      text: own.map(reading),
    }];
    const bounds = own.filter((_, i) => !known[i]);
    if (bounds.length) {
      traces.push({
        ...common, meta: { groups: bounds }, mode: "markers", x: bounds.map(x), y: bounds.map((group) => group.of[column][0]),
        marker: { color: hex, symbol: "triangle-up-open", size: 11, line: { width: 1.8 } }, text: bounds.map(reading),
      });
    }
    for (const group of shown.filter((one) => x(one) === null)) {
      const [middle, , , more] = group.of[column];
      traces.push({
        ...common, meta: { groups: [group, group] }, mode: more ? "lines+markers" : "lines", line: { ...line, width: 1.6 },
        x: ends, y: [middle, middle], text: [reading(group), reading(group)],
        marker: { color: hex, symbol: "triangle-up-open", size: 11, line: { width: 1.8 } },
      });
    }
    return traces;
  }

  /* As many frames as there are panels; those that stand are kept. */
  function framed(panels) {
    const box = byId("compared-panels");
    while (nodes.length > panels.length) {
      const node = nodes.pop();
      Plotly.purge(node);
      node.parentElement.remove();
    }
    while (nodes.length < panels.length) {
      const figure = document.createElement("figure");
      figure.className = "panel";
      figure.append(document.createElement("figcaption"), document.createElement("div"));
      const node = figure.lastElementChild;
      node.className = "plot";
      node.setAttribute("role", "img");
      box.append(figure);
      nodes.push(node);
    }
    const columns = [2, 4].includes(panels.length) ? 2 : Math.min(3, panels.length);
    box.className = `panels${["", " one", " two"][columns] ?? ""}`;
    box.style.setProperty("--columns", columns || 1);
  }

  function notes(panels, shown) {
    const measure = measured();
    const across = shown.some((group) => chosen.against !== "regime" && value(group, chosen.against) === null);
    const shares = measure.column === "solved";
    byId("compared-marks").textContent = shares ? "Marks are shares of" : "Marks are medians over";
    byId("compared-bars").textContent = shares ? "their 95\u00a0% intervals" : "the middle half of the seeds";
    const rest = [];
    if (shown.some((group) => group.of[measure.column][3])) rest.push("A hollow triangle is a lower bound: no more than half of the seeds got there.");
    if (across) rest.push(`A line across is a regime that has no ${chosen.against}.`);
    const held = fixed().map((name) => `${name} = ${axes[name][chosen.at[name]]}`);
    if (held.length) rest.push(`Only cells with ${held.join(", ")}.`);
    if (panels.length > most) rest.push(`Drawn are the first ${most} of ${panels.length} panels.`);
    byId("compared-note").textContent = rest.map((text) => ` ${text}`).join("");
  }

  function refresh() {
    if (chosen.facets === chosen.against) chosen.facets = "";
    const measure = measured();
    const title = `${sentence(measure.label)} ${chosen.against === "regime" ? "by regime" : `against ${chosen.against}`}`;
    byId("compared-title").textContent = title;
    byId("vertical").value = chosen.vertical;
    byId("against").value = chosen.against;
    if (byId("facets")) {
      byId("facets").value = chosen.facets;
      for (const option of byId("facets").options) option.disabled = option.value !== "" && option.value === chosen.against;
    }
    for (const select of document.querySelectorAll("select[data-at]")) {
      select.parentElement.hidden = !fixed().includes(select.dataset.at);
      select.value = String(chosen.at[select.dataset.at]);
    }
    const shown = drawnGroups();
    const panels = panelsOf(shown);
    const drawn = panels.slice(0, most);
    framed(drawn);
    notes(panels, drawn.flatMap((panel) => panel.groups));
    byId("compared-empty").hidden = drawn.length > 0;
    const across = horizontal();
    const up = vertical(drawn.flatMap((panel) => panel.groups));
    drawn.forEach((panel, i) => {
      const node = nodes[i];
      node.previousElementSibling.textContent = panel.title;
      node.setAttribute("aria-label", panel.title ? `${title}: ${panel.title}` : title);
      const traces = regimes.flatMap((regime) => {
        const own = panel.groups.filter((group) => group.regime === regime);
        return own.length ? tracesOf(regime, own, across) : [];
      });
      const base = structuredClone(report.compared.layout);
      base.xaxis = { ...base.xaxis, ...across.axis, title: { ...base.xaxis.title, text: plain(chosen.against) } };
      const unit = measure.unit ? ` (${measure.unit})` : "";
      base.yaxis = { ...base.yaxis, ...up, title: { ...base.yaxis.title, text: folded(measure.label + unit, 34) } };
      Plotly.react(node, traces, base, config);
      Plotly.relayout(node, themed());
      node.removeAllListeners("plotly_click");
      node.on("plotly_click", ({ points }) => {
        const group = points[0].data.meta.groups[points[0].pointIndex];
        showCells(`${group.regime} ${group.setting}`);
      });
    });
  }

  byId("vertical").addEventListener("change", (event) => changed({ vertical: event.target.value }));
  byId("against").addEventListener("change", (event) => changed({ against: event.target.value }));
  byId("facets")?.addEventListener("change", (event) => changed({ facets: event.target.value }));
  for (const select of document.querySelectorAll("select[data-at]")) {
    select.addEventListener("change", () => changed({ at: { ...chosen.at, [select.dataset.at]: Number(select.value) } }));
  }
  return { refresh };
}
