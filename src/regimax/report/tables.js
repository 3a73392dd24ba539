/* Tables: sorted, filtered, downloaded. Returns what shows the cells that some words tell. */
function tables(report) {
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
    body.insertAdjacentHTML("beforeend", report.rows);
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
  return { showCells };
}
