/* What the parts of the page share. */
const byId = (id) => document.getElementById(id);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const config = { displayModeBar: false, responsive: true, doubleClick: "reset" };

/* The same as quantity() in quantities.py. */
const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
function quantity(value, unit) {
  let power = 0;
  let scaled = Math.abs(value);
  while (Number(scaled.toPrecision(3)) >= 1000 && power < prefixes.length - 1) { scaled /= 1000; power += 1; }
  const symbol = prefixes[power] + unit;
  return (value < 0 ? "\u2212" : "") + String(Number(scaled.toPrecision(3))) + (symbol ? `\u00a0${symbol}` : "");
}

/* As plotly shows it: a regime or a setting may be called anything. */
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/* Colours follow those of the page. */
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (style) => style[dark.matches ? "dark" : "light"];
const faint = (hex, alpha) => {
  const part = (at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${alpha})`;
};
const themed = () => ({
  "font.color": variable("--muted"),
  "xaxis.title.font.color": variable("--muted"),
  "xaxis.linecolor": variable("--axis"),
  "yaxis.title.font.color": variable("--muted"),
  "yaxis.gridcolor": variable("--grid"),
  "hoverlabel.bgcolor": variable("--page"),
  "hoverlabel.bordercolor": variable("--axis"),
  "hoverlabel.font.color": variable("--ink"),
});

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

function press(buttons, chosen) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
}
