// A sweep: lines or a map of one number, and the table of what they show.

const COLOURED = 64;  // colours of the key beside a map
const WRITTEN = 120;  // cells of a map up to which each says its number
const COLOURS = [[0, "#ffffcc"], [0.125, "#ffeda0"], [0.25, "#fed976"], [0.375, "#feb24c"], [0.5, "#fd8d3c"], [0.625, "#fc4e2a"], [0.75, "#e31a1c"], [0.875, "#bd0026"], [1, "#800026"]];

/** A number as people read it. */
function tell(number) {
  const unit = VARIABLES.get(state.value).unit;
  if (number === null) return "failed";
  if (unit === "B") return formatBytes(number);
  if (unit === "ps") return formatTime(number);
  if (unit === "J") return `${Number((1e3 * number).toPrecision(3))} mJ`;
  const text = number >= 1000 ? formatCount(number) : String(Number(number.toPrecision(3)));
  return unit ? `${text}${/ [kMGTP]$/.test(text) ? "" : " "}${unit}` : text;
}

/** All digits of a whole number; of others what people read. */
function told(number) {
  const unit = VARIABLES.get(state.value).unit;
  return number === null ? "failed" : unit === "B" ? exact(number) : unit === "ps" || !Number.isInteger(number) ? tell(number) : grouped(number);
}

/** A number as an axis writes it. */
const short = (number) => tell(number).replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");

const range = (length) => Array.from({ length }, (_, i) => i);
const named = (name) => AXES.get(name).label;

/** The other axes with their values: "at dtype int8, batch 1". */
function where() {
  const texts = others().map((name) => `${named(name)} ${AXES.get(name).texts[state.at[name]]}`);
  return texts.length ? ` at ${texts.join(", ")}` : "";
}

/** Ticks at some of an axis's own values. */
function ownTicks(name, places, room) {
  return (low, high, length) => {
    const every = Math.ceil(places.filter((at) => at >= low && at <= high).length / Math.max(Math.floor(length / room), 2));
    return places.map((at, i) => [at, clip(AXES.get(name).texts[i], room > 40 ? 24 : 18)]).filter((_, i) => i % every === 0);
  };
}

/** The axis of the numbers: from 0 on, logarithmic where they differ much. */
function numberAxis(all) {
  const low = Math.min(...all), high = Math.max(...all);
  const title = VARIABLES.get(state.value).label;
  if (low > 0 && high >= 20 * low) return { log: true, range: [low / 1.2, high * 1.2], ticks: (a, b, tall) => logTicks(a, b, tall * 2, short), title };
  const ticks = [...roundTicks(high || 1, 6, short), ...(low < 0 ? roundTicks(-low, 3, (each) => short(-each)).slice(1).map(([at, text]) => [-at, text]) : [])];
  return { range: [Math.min(0, low * 1.06), Math.max(high, low < 0 ? 0 : 1e-300) * 1.06 || 1], ticks, title };
}

function lines() {
  const x = AXES.get(state.x), places = x.values ?? range(count(state.x)), names = state.y ? AXES.get(state.y).texts : [""];
  const rows = names.map((_, j) => places.map((_, i) => numberAt(i, j))), all = rows.flat().filter((each) => each !== null);
  const low = Math.min(...places), high = Math.max(...places);
  const marks = rows.flatMap((y, j) => {
    const look = DATA.looks.series[j], ink = colour(look);
    if (state.y && !isShown("series", names[j])) return [];
    const told = (i) => [names[j] || named(state.x), `${named(state.x)} ${x.texts[i]}`, tell(y[i])];
    return [
      // Between names there is nothing: the dots only guide the eye.
      { kind: "line", x: places, y, ink, ...(x.values ? { width: 2.5, dash: dashOf(look) } : { width: 1, dash: "2 4" }), ...(places.length > 200 ? { tell: told } : {}) },
      ...(places.length > 200 ? [] : [{ kind: "points", x: places, y, symbol: look.symbol, fill: ink, ink: variable("--ground"), stroke: 0.8, size: places.length > 40 ? 4 : 9, tell: told }]),
    ];
  });
  const log = x.log && low > 0, gap = (high - low) * 0.02 || 1;
  return {
    marks, zooms: true, margin: { l: 84, r: 24 },
    x: { log, range: log ? [low / 1.05, high * 1.05] : [low - gap, high + gap], title: x.label, ticks: ownTicks(state.x, places, 76), grid: true },
    y: all.length ? numberAxis(all) : { range: [0, 1] },
  };
}

/** A colour of the map: between two of COLOURS. */
function shade(part) {
  const at = Math.round(part * 64) / 64, above = Math.max(COLOURS.findIndex(([edge]) => edge >= at), 1);
  const [[a, from], [b, to]] = [COLOURS[above - 1], COLOURS[above]], mix = (at - a) / (b - a);
  const tone = (hex, place) => Number.parseInt(hex.slice(1 + 2 * place, 3 + 2 * place), 16);
  return `rgb(${[0, 1, 2].map((place) => Math.round(tone(from, place) * (1 - mix) + tone(to, place) * mix)).join(",")})`;
}

function map() {
  const width = widthOf($("plot-sweep")), xs = range(count(state.x)), ys = range(count(state.y));
  const cells = ys.flatMap((j) => xs.map((i) => [i, j, numberAt(i, j)])).filter(([, , value]) => value !== null);
  const all = cells.map(([, , value]) => value), low = Math.min(...all), high = Math.max(...all), log = low > 0 && high >= 2 * low;
  const part = (value) => (high === low ? 0.5 : log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const texts = all.map(tell), long = Math.max(...texts.map((text) => text.length), 0), column = (width - 240) / xs.length;
  const fits = cells.length <= WRITTEN && column > 7.2 * long, gap = column > 12 ? 0.03 : 0;
  const sides = (place, sign) => cells.map((each) => each[place] + sign * (0.5 - gap));
  const scale = range(COLOURED + 1).map((k) => (log ? low * (high / low) ** (k / COLOURED) : low + (k / COLOURED) * (high - low)));
  const end = xs.length - 0.5, unit = xs.length / Math.max(width - 240, 100);  // one pixel
  const key = {
    kind: "bars", left: scale.slice(1).map(() => end + 16 * unit), right: scale.slice(1).map(() => end + 30 * unit),
    low: range(COLOURED).map((k) => -0.5 + (k / COLOURED) * ys.length), high: range(COLOURED).map((k) => -0.5 + ((k + 1) / COLOURED) * ys.length),
    inks: range(COLOURED).map((k) => shade((k + 0.5) / COLOURED)),
  };
  const marks = [0, 0.25, 0.5, 0.75, 1].map((at) => [-0.5 + at * ys.length, tell(Number((log ? low * (high / low) ** at : low + at * (high - low)).toPrecision(3)))]);
  return {
    marks: [{
      kind: "bars", left: sides(0, -1), right: sides(0, 1), low: sides(1, -1), high: sides(1, 1), inks: all.map((value) => shade(part(value))),
      texts: fits ? texts : null, textInks: fits ? all.map((value) => (part(value) > 0.6 ? "#ffffff" : "#16191d")) : null,
      tell: (k) => [texts[k], `${named(state.x)} ${AXES.get(state.x).texts[cells[k][0]]}`, `${named(state.y)} ${AXES.get(state.y).texts[cells[k][1]]}`],
    }, ...(all.length ? [key, { kind: "texts", x: marks.map(() => end + 34 * unit), y: marks.map(([at], k) => at + (k ? (k === 4 ? -0.1 : -0.03) : 0) * ys.length / 10), texts: marks.map(([, text]) => text) }] : [])],
    margin: { l: 130, r: 16, t: 10, b: 46 },
    x: { range: [-0.5, end + 100 * unit], grid: false, title: named(state.x), ticks: ownTicks(state.x, xs, 76) },
    y: { range: [-0.5, ys.length - 0.5], grid: false, title: named(state.y), ticks: ownTicks(state.y, ys, 20) },
  };
}

function sweepFigure() {
  return { height: 460, label: $("said").textContent, ...(state.kind === "map" ? map() : lines()) };
}

function sweepCsv() {
  const ys = state.y ? range(count(state.y)) : [0], rest = others(), head = ({ name, unit }) => (unit ? `${name} [${unit}]` : name);
  const valueAt = (name, i) => AXES.get(name).values?.[i] ?? AXES.get(name).texts[i];  // a number to count with, if it is one
  const rows = ys.flatMap((j) => range(count(state.x)).map((i) => [
    valueAt(state.x, i), ...(state.y ? [valueAt(state.y, j)] : []), ...rest.map((each) => valueAt(each, state.at[each])), numberAt(i, j),
  ]));
  return { heads: [...[state.x, ...(state.y ? [state.y] : []), ...rest].map((name) => head(AXES.get(name))), head(VARIABLES.get(state.value))], rows };
}

// ---- what is chosen

const option = (value, text, chosen) => make("option", { value, selected: chosen }, text);

function showChoices() {
  const own = dims();
  $("pick-value").replaceChildren(...DATA.variables.map((each) => option(each.name, each.label, each.name === state.value)));
  $("pick-x").replaceChildren(...own.map((name) => option(name, named(name), name === state.x)));
  $("pick-y").replaceChildren(option("", "nothing else", !state.y), ...own.filter((name) => name !== state.x).map((name) => option(name, named(name), name === state.y)));
  for (const button of document.querySelectorAll("input[name=kind]")) {
    button.checked = button.value === state.kind;
    button.disabled = button.value === "map" && own.length < 2;
  }
  const rest = others();
  $("others").hidden = !rest.length;
  if (rest.join() === $("others").dataset.names && rest.every((name) => $(`at-${name}`).value === String(state.at[name]))) return;
  $("others").dataset.names = rest.join();
  $("others").replaceChildren(...rest.map((name) => {
    const select = make("select", { id: `at-${name}` }, ...AXES.get(name).texts.map((text, i) => option(String(i), text, i === state.at[name])));
    select.addEventListener("change", () => choose({ at: { [name]: Number(select.value) } }));
    return make("label", {}, `${named(name)} `, select);
  }));
}

function showWords() {
  const { label } = VARIABLES.get(state.value);
  const ys = state.y ? range(count(state.y)) : [0], all = ys.flatMap((j) => range(count(state.x)).map((i) => numberAt(i, j))).filter((each) => each !== null);
  $("h-sweep").textContent = `${label[0].toUpperCase()}${label.slice(1)} along ${named(state.x)}${state.y ? ` and ${named(state.y)}` : ""}`;
  const span = all.length ? `from ${tell(Math.min(...all))} to ${tell(Math.max(...all))}` : "no point has a number";
  $("said").textContent = `${label[0].toUpperCase()}${label.slice(1)} along ${named(state.x)}${state.y ? ` and ${named(state.y)}` : ""}${where()}: ${span}.${
    DATA.failed ? ` ${DATA.failed === 1 ? "A point of the sweep failed; its place is" : `${grouped(DATA.failed)} points of the sweep failed; their places are`} empty.` : ""}`;
  $("legend").replaceChildren(...(state.y && state.kind === "lines"
    ? AXES.get(state.y).texts.map((text, j) => legendItem("series", { ...DATA.looks.series[j], name: text }, stroke(DATA.looks.series[j]))) : []));
}

function showTable() {
  const names = state.y ? AXES.get(state.y).texts : [VARIABLES.get(state.value).label];
  const rows = AXES.get(state.x).texts.map((text, i) => [text, ...names.map((_, j) => told(numberAt(i, j)))]);
  const caption = `${VARIABLES.get(state.value).label}${where()}`;
  $("table-sweep").replaceChildren(make("div", { className: "scroll across" }, table(caption, [named(state.x), ...names], rows)));
}

function setUpSweep() {
  for (const name of ["value", "x", "y"]) {
    $(`pick-${name}`).addEventListener("change", (event) => choose({ [name]: event.target.value }));
  }
  for (const button of document.querySelectorAll("input[name=kind]")) {
    button.addEventListener("change", () => choose({ kind: button.value }));
  }
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  setUpTheme();
  listeners.push((changes) => {
    if ("value" in changes) { showChoices(); showTable(); }
    showWords();
  });
  addPlot($("plot-sweep"), ["value"], sweepFigure, { title: () => `${$("h-sweep").textContent}${where()}`, csv: sweepCsv, legend: "legend" });
  const first = VARIABLES.has("dram_bytes") ? "dram_bytes" : DATA.variables[0].name;
  const obey = (told) => {
    const value = VARIABLES.has(told.value) ? told.value : first;
    const at = DATA.axes.map(({ name, texts }) => [name, texts.indexOf(told[`at.${name}`])]).filter(([, place]) => place >= 0);
    choose({ value });
    choose({ x: told.x, y: told.y, kind: ["lines", "map"].includes(told.kind) ? told.kind : undefined, at: Object.fromEntries(at) });
    if (["light", "dark"].includes(told.theme)) { theme = told.theme; showTheme(); change({ theme }); }
    showChoices();
    showTable();
  };
  keepAddress(() => [
    ["value", state.value], ["x", state.x], ["y", state.y], ["kind", state.kind], ["theme", theme],
    ...others().map((name) => [`at.${name}`, AXES.get(name).texts[state.at[name]]]),
  ], obey);
  obey(spoken());
}

setUpSweep();
document.documentElement.dataset.ready = "yes";
