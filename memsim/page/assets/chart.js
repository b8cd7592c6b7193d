// Charts: axes and marks as SVG. A figure is a plain description; nothing here knows what it is of.
//
// A figure: height, margin, x and y (axes), marks, edges (thin lines across), rules (dashed, named).
// An axis: range in its own numbers, log, ticks ([[at, text]] or a function of range and width), title.
// A mark: kind "line" | "points" | "bars" | "arcs", `tell(i)` (lines of text, the first one bold), `click(i)`.

const space = "http://www.w3.org/2000/svg";
const tenth = (number) => Math.round(number * 10) / 10;

/** An SVG element; texts are text, never markup. */
function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** From numbers of an axis to pixels, and `back`. */
function scaleOf({ range: [low, high], log }, from, to) {
  const to01 = log ? (value) => Math.log(value / low) / Math.log(high / low) : (value) => (value - low) / (high - low);
  const scale = (value) => from + to01(value) * (to - from);
  scale.back = (pixel) => {
    const part = (pixel - from) / (to - from);
    return log ? low * (high / low) ** part : low + part * (high - low);
  };
  return scale;
}

const SYMBOLS = {
  "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "square": "M-4,-4h8v8h-8z",
  "triangle-up": "M0,-5L5,4H-5z", "diamond": "M0,-5L5,0L0,5L-5,0z", "triangle-down": "M0,5L5,-4H-5z",
  "cross": "M-5,-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z", "x": "M-5,-3L-3,-5L0,-2L3,-5L5,-3L2,0L5,3L3,5L0,2L-3,5L-5,3L-2,0z",
};
const DASHES = { solid: "", dash: "7 4", dashdot: "8 3 2 3", dot: "2 3" };
const dashOf = (look) => DASHES[look.dash] ?? look.dash.replaceAll("px", "");

const HATCH = { "/": "M-2,10L10,-2M-2,2L2,-2M6,10L10,6", "\\": "M-2,-2L10,10M6,-2L10,2M-2,6L2,10", "-": "M0,2H8M0,6H8", ".": "M2,2h.01M6,6h.01" };
HATCH.x = HATCH["/"] + HATCH["\\"];

function hatchPattern(id, { hatch, light }) {
  return drawn("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, drawn("path", {
    d: HATCH[hatch], fill: "none", stroke: light === "#F0E442" ? "#7a6a00" : "#ffffff", "stroke-opacity": 0.6,
    "stroke-width": hatch === "." ? 2 : 1.3, "stroke-linecap": "round",
  }));
}

let charts = 0;

/** A figure as SVG of a width, with what the pointer needs to find its marks. */
function chart(figure, width) {
  const { height, marks, edges = [], rules = [] } = figure;
  const margin = { l: 80, r: 16, t: 10, b: 46, ...figure.margin }, id = `c${charts += 1}`;
  const box = { left: margin.l, right: Math.max(width - margin.r, margin.l + 40), top: margin.t, bottom: height - margin.b };
  const x = scaleOf(figure.x, box.left, box.right), y = scaleOf(figure.y, box.bottom, box.top);
  const ink = { text: variable("--text"), quiet: variable("--quiet"), line: variable("--line"), ground: variable("--ground") };
  const plotted = drawn("g", { "clip-path": `url(#${id})` }), defs = drawn("defs", {}, drawn("clipPath", { id },
    drawn("rect", { x: box.left - 8, y: box.top - 8, width: box.right - box.left + 16, height: box.bottom - box.top + 9 })));
  const svg = drawn("svg", { xmlns: space, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": variable("--font"), "font-size": 12, "aria-hidden": "true" },
    defs, axes(figure, { x, y, box, ink }));
  for (const [from, to] of figure.spots ?? []) {
    const left = tenth(x(from)), wide = Math.max(tenth(x(to)) - left, 2), fill = variable("--accent");
    plotted.append(drawn("rect", { x: left, y: box.top, width: wide, height: box.bottom - box.top, fill, opacity: wide < 6 ? 0.5 : 0.16, class: "spot" }));
    // Where it is too narrow to be seen, a tip above points to it.
    if (wide < 6) plotted.append(drawn("path", { d: `M${tenth(left + wide / 2) - 5},${box.top - 7}h10l-5,7z`, fill }));
  }
  for (const at of edges) plotted.append(drawn("path", { d: `M${tenth(x(at))},${box.top}V${box.bottom}`, stroke: ink.line }));
  marks.forEach((mark, number) => plotted.append(...MARKS[mark.kind](mark, { x, y, box, ink, defs, id: `${id}m${number}` })));
  // A line up and down lies below the points on it; one across, such as the cache's, lies above bars.
  const [under, over] = ["x", "y"].map((axis) => rules.filter((each) => each.axis === axis).map((each) => rule(each, { x, y, box, ink })));
  svg.append(...under, plotted, ...over, drawn("g", { class: "above" }));
  return { svg, x, y, box, marks, figure };
}

function axes(figure, { x, y, box, ink }) {
  const group = drawn("g", { fill: ink.quiet }), wide = box.right - box.left, tall = box.bottom - box.top;
  const ticksOf = (axis, length) => (typeof axis.ticks === "function" ? axis.ticks(...axis.range, length) : axis.ticks ?? [])
    .filter(([at]) => at >= Math.min(...axis.range) && at <= Math.max(...axis.range));
  let free = -Infinity;
  for (const [at, text] of ticksOf(figure.x, wide)) {
    const place = tenth(x(at)), half = text.length * 3.1;
    if (figure.x.grid !== false) group.append(drawn("path", { d: `M${place},${box.top}V${box.bottom}`, stroke: ink.line }));
    if (place - half < free) continue;  // never one over the other
    free = place + half + 6;
    const [anchor, spot] = place + half > box.right + 14 ? ["end", box.right + 14] : place - half < 0 ? ["start", 0] : ["middle", place];
    group.append(drawn("text", { x: spot, y: box.bottom + 17, "text-anchor": anchor }, text));
  }
  for (const [at, text] of ticksOf(figure.y, tall)) {
    const place = tenth(y(at));
    if (figure.y.grid !== false) group.append(drawn("path", { d: `M${box.left},${place}H${box.right}`, stroke: ink.line }));
    group.append(drawn("text", { x: box.left - 8, y: place + 4, "text-anchor": "end" }, text));
  }
  if (figure.x.title) group.append(drawn("text", { x: (box.left + box.right) / 2, y: box.bottom + 37, "text-anchor": "middle" }, figure.x.title));
  if (figure.y.title) group.append(drawn("text", { transform: `translate(13,${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, figure.y.title));
  return group;
}

/** Where an arc is: the longest rises to the top. */
function arcAt({ from, to, base, longest }, i, { x, y, box }) {
  const [left, right] = [x(from[i]), x(to[i])], floor = y(base);
  return { left, right, base: floor, rise: Math.max((floor - box.top - 3) * Math.sqrt(Math.abs(to[i] - from[i]) / longest), 4) };
}

const MARKS = {
  line({ x: xs, y: ys, ink, width = 2, dash = "", steps }, { x, y }) {
    let path = "", pen = "M";
    for (let i = 0; i < xs.length; i += 1) {
      if (ys[i] === null) { pen = "M"; continue; }
      const px = tenth(x(xs[i])), py = tenth(y(ys[i]));
      path += pen === "M" ? `M${px},${py}` : steps ? `H${px}V${py}` : `L${px},${py}`;
      pen = "L";
    }
    return [drawn("path", { d: path, fill: "none", stroke: ink, "stroke-width": width, "stroke-dasharray": dash, "stroke-linejoin": "round" })];
  },
  points({ x: xs, y: ys, symbol, size = 8, fill, ink, stroke = 0 }, { x, y }) {
    return [...xs.keys()].filter((i) => ys[i] !== null).map((i) => {
      const scale = (Array.isArray(size) ? size[i] : size) / 8;
      return drawn("path", {
        d: SYMBOLS[symbol], transform: `translate(${tenth(x(xs[i]))},${tenth(y(ys[i]))}) scale(${tenth(scale)})`,
        fill, stroke: ink, "stroke-width": stroke / scale, class: "point",
      });
    });
  },
  /** Rectangles: left, right, low, high of each; one path for all of a colour. */
  bars(mark, { x, y, ink, defs, id }) {
    const paths = new Map();
    for (let i = 0; i < mark.left.length; i += 1) {
      const key = mark.inks ? mark.inks[i] : colour(mark.look);
      const [a, b] = [tenth(x(mark.left[i])), tenth(x(mark.right[i]))], [c, d] = [tenth(y(mark.high[i])), tenth(y(mark.low[i]))];
      const piece = `M${a},${c}H${b}V${d}H${a}z`;
      paths.set(key, (paths.get(key) ?? "") + piece);
    }
    const found = [...paths].map(([fill, d]) => drawn("path", { d, fill, ...(mark.outlined ? { stroke: ink.ground } : {}), class: "bars" }));
    if (mark.hatched && HATCH[mark.look?.hatch]) {
      defs.append(hatchPattern(id, mark.look));
      found.push(...[...paths.values()].map((d) => drawn("path", { d, fill: `url(#${id})` })));
    }
    for (const [i, text] of (mark.texts ?? []).entries()) {
      if (text !== null) found.push(drawn("text", {
        x: tenth((x(mark.left[i]) + x(mark.right[i])) / 2), y: tenth((y(mark.low[i]) + y(mark.high[i])) / 2 + 4),
        "text-anchor": "middle", fill: mark.textInks[i], class: "cell",
      }, text));
    }
    return found;
  },
  /** Half ellipses above a base; a path for each colour. The strong ones lie above. */
  arcs(mark, { x, y, box }) {
    const paths = new Map();
    mark.from.forEach((_, i) => {
      const { left, right, rise, base } = arcAt(mark, i, { x, y, box }), key = `${mark.strong[i] ? 1 : 0} ${(mark.widths?.[i] ?? 1.2).toFixed(1)} ${mark.inks[i]}`;
      const piece = `M${tenth(left)},${tenth(base)}A${tenth((right - left) / 2)},${tenth(rise)} 0 0 1 ${tenth(right)},${tenth(base)}`;
      paths.set(key, (paths.get(key) ?? "") + piece);
    });
    const faint = Math.max(0.25, Math.min(0.8, 90 / mark.from.length));
    return [...paths].sort().map(([key, d]) => {
      const [strong, width, stroke] = [key[0] === "1", Number(key.slice(2, 5)), key.slice(6)];
      return drawn("path", { d, fill: "none", stroke, "stroke-width": strong ? width + 1 : width, opacity: strong ? 1 : faint, class: "arcs" });
    });
  },
  texts({ x: xs, y: ys, texts }, { x, y, ink }) {
    return texts.map((text, i) => drawn("text", { x: tenth(x(xs[i])), y: tenth(y(ys[i])), fill: ink.text }, text));
  },
};

/** A dashed line across, with its name: above the axes, or on ground of its own beside the line. */
function rule({ axis, at, text }, { x, y, box, ink }) {
  const place = tenth(axis === "x" ? x(at) : y(at)), long = text.length * 6.6;
  const left = axis === "x" && place + long / 2 > box.right;
  const label = axis === "x"
    ? { x: left ? box.right : place, y: box.top - 6, "text-anchor": left ? "end" : "middle" }
    : { x: box.right - 4, y: place - box.top < 20 ? place + 15 : place - 6, "text-anchor": "end" };
  return drawn("g", {},
    drawn("path", { d: axis === "x" ? `M${place},${box.top}V${box.bottom}` : `M${box.left},${place}H${box.right}`, stroke: ink.text, "stroke-width": 1.5, "stroke-dasharray": "5 3", fill: "none" }),
    drawn("text", { ...label, fill: ink.text, stroke: ink.ground, "stroke-width": 4, "paint-order": "stroke", "stroke-linejoin": "round" }, text));
}
