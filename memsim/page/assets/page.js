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

const SYMBOLS = {
  "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "square": "M-4,-4h8v8h-8z",
  "triangle-up": "M0,-5L5,4H-5z", "diamond": "M0,-5L5,0L0,5L-5,0z", "triangle-down": "M0,5L5,-4H-5z",
  "cross": "M-5,-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z", "x": "M-5,-3L-3,-5L0,-2L3,-5L5,-3L2,0L5,3L3,5L0,2L-3,5L-5,3L-2,0z",
};
const DASHES = { solid: "", dash: "7 4", dashdot: "8 3 2 3", dot: "2 3" };

/** The line and the marker of a network. */
function stroke(look) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "path"), mark = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "-17 -7 34 14");
  svg.setAttribute("class", "stroke");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", "M-17,0H17");
  line.setAttribute("stroke", colour(look));
  line.setAttribute("stroke-width", "2.5");
  line.setAttribute("stroke-dasharray", DASHES[look.dash] ?? look.dash.replaceAll("px", ""));
  mark.setAttribute("d", SYMBOLS[look.symbol]);
  mark.setAttribute("fill", colour(look));
  svg.append(line, mark);
  return svg;
}

function legend(list, kind, meanings = true) {
  list.replaceChildren(...DATA.looks[kind].map((look) => make("li", {},
    swatch(look), make("b", {}, look.name), meanings ? ` ${look.meaning}` : "")));
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
