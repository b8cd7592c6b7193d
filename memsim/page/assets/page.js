// The page: elements, legends, tables and colours.

const $ = (id) => document.getElementById(id);
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
let theme = "";  // "": as the system has it
let printing = false;

function isDark() {
  return !printing && (theme ? theme === "dark" : DARK.matches);
}

function colour(look) {
  return isDark() ? look.dark : look.light;
}

function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** An element with properties and children; texts are text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const HATCHES = {
  "/": (ink) => `repeating-linear-gradient(-45deg, ${ink} 0 1.5px, transparent 1.5px 5px)`,
  "\\": (ink) => `repeating-linear-gradient(45deg, ${ink} 0 1.5px, transparent 1.5px 5px)`,
  "x": (ink) => `${HATCHES["/"](ink)}, ${HATCHES["\\"](ink)}`,
  "-": (ink) => `repeating-linear-gradient(0deg, ${ink} 0 1.5px, transparent 1.5px 4px)`,
  ".": (ink) => `radial-gradient(${ink} 1px, transparent 1.2px) 0 0 / 4px 4px`,
};
const INK = "rgba(255, 255, 255, 0.75)";

function swatch(look) {
  const hatch = HATCHES[look.hatch];
  const mark = make("span", { className: "swatch" });
  mark.style.background = (hatch ? `${hatch(look.light === "#F0E442" ? "#7a6a00" : INK)}, ` : "") + colour(look);
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

/** The line and the marker of a network. */
function stroke(look) {
  return drawn("svg", { viewBox: "-17 -7 34 14", class: "stroke", "aria-hidden": "true" },
    drawn("path", { d: "M-17,0H17", stroke: colour(look), "stroke-width": 2.5, "stroke-dasharray": dashOf(look) }),
    drawn("path", { d: SYMBOLS[look.symbol], fill: colour(look) }));
}

/** What a legend has switched off, as "kind:name". */
const hidden = new Set();
const isShown = (kind, name) => !hidden.has(`${kind}:${name}`);

/** An entry of a legend: a button that shows or hides what it names. */
function legendItem(kind, look, mark, meaning = "") {
  const shown = isShown(kind, look.name);
  const button = make("button", { type: "button", className: "entry", title: shown ? "Hide it in the charts" : "Show it in the charts" },
    mark, make("b", { title: look.name }, clip(look.name)), meaning ? ` ${meaning}` : "");
  button.setAttribute("aria-pressed", String(shown));
  button.addEventListener("click", () => {
    const list = button.closest("ul");
    if (!hidden.delete(`${kind}:${look.name}`)) hidden.add(`${kind}:${look.name}`);
    change({ hidden: kind });
    list.querySelector(`[data-entry="${CSS.escape(`${kind}:${look.name}`)}"]`)?.focus();
  });
  button.dataset.entry = `${kind}:${look.name}`;
  const item = make("li", {}, button);
  item.look = look;
  return item;
}

function legend(list, kind, meanings = true) {
  list.replaceChildren(...DATA.looks[kind].map((look) => legendItem(kind, look, swatch(look), meanings ? look.meaning : "")));
}

/** A table: a caption, heads, rows whose first cell is a head; the last `totals` rows are sums. */
function table(caption, heads, rows, totals = 0) {
  const cell = (content, first) => make(first ? "th" : "td", first ? { scope: "row" } : {}, content);
  return make("table", {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows.map((row, number) => make("tr",
      { className: number >= rows.length - totals ? "total" : "" },
      ...row.map((content, place) => cell(content, place === 0))))));
}

const bytesOrDash = (bytes) => (bytes ? grouped(bytes) : "–");
