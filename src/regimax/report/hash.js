/* What the reader has chosen stands in the address, so that a link or a reload shows the same again. */
const chosen = { effort: null, log: false, shared: true, hidden: new Set(), vertical: "", against: "", facets: "", at: {} };

function readHash(report) {
  const given = new URLSearchParams(location.hash.slice(1));
  const { axes, measures, first } = report.compared;
  const one = (name, allowed, otherwise) => (allowed.includes(given.get(name)) ? given.get(name) : otherwise);
  const efforts = report.efforts.map((effort) => effort.column);
  chosen.effort = one("effort", efforts, efforts[0] ?? null);
  chosen.log = given.get("scale") === "log";
  chosen.shared = given.get("range") !== "own";
  chosen.hidden = new Set(given.getAll("hidden").filter((name) => name in report.styles));
  chosen.vertical = one("vertical", measures.map((measure) => measure.column), first.vertical);
  chosen.against = one("against", [...Object.keys(axes), "regime"], first.against);
  chosen.facets = one("panels", ["", ...Object.keys(axes)], first.facets);
  for (const [name, values] of Object.entries(axes)) {
    const place = given.get(`at.${name}`);
    chosen.at[name] = place !== null && /^\d+$/.test(place) && place < values.length ? Number(place) : first.at[name];
  }
}

/* Only what differs from how the page opens. */
function writeHash(report) {
  const { axes, first } = report.compared;
  const told = new URLSearchParams();
  if (report.efforts.length && chosen.effort !== report.efforts[0].column) told.set("effort", chosen.effort);
  if (chosen.log) told.set("scale", "log");
  if (!chosen.shared) told.set("range", "own");
  for (const name of chosen.hidden) told.append("hidden", name);
  if (chosen.vertical !== first.vertical) told.set("vertical", chosen.vertical);
  if (chosen.against !== first.against) told.set("against", chosen.against);
  if (chosen.facets !== first.facets) told.set("panels", chosen.facets);
  for (const name of Object.keys(axes)) if (chosen.at[name] !== first.at[name]) told.set(`at.${name}`, chosen.at[name]);
  const text = told.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
