// A sweep: lines or a map of one number, and the table of what they show.

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

const range = (length) => Array.from({ length }, (_, i) => i);
const named = (name) => AXES.get(name).label;

/** The other axes with their values: "at dtype int8, batch 1". */
function where() {
  const texts = others().map((name) => `${named(name)} ${AXES.get(name).texts[state.at[name]]}`);
  return texts.length ? ` at ${texts.join(", ")}` : "";
}

/** Ticks at some of an axis's own values. */
function ownTicks(name, places, room) {
  const every = Math.ceil(places.length / Math.max(Math.floor(room), 2));
  const shown = range(places.length).filter((i) => i % every === 0);
  return { tickmode: "array", tickvals: shown.map((i) => places[i]), ticktext: shown.map((i) => plain(clip(AXES.get(name).texts[i], 24))) };
}

/** The axis of the numbers: from 0 on, logarithmic where they differ much. */
function numberAxis(all, height) {
  const { unit } = VARIABLES.get(state.value), low = Math.min(...all), high = Math.max(...all);
  const log = low > 0 && high >= 20 * low;
  const [factor, suffix] = unit === "ps" ? [1e-9, " ms"] : unit === "J" ? [1e3, " mJ"] : [1, ""];
  if (unit === "B") return { factor, axis: log ? logTicks(low / 1.2, high * 1.2, height) : { ...byteTicks(high), range: [0, (high || 1) * 1.06] } };
  const format = { ticksuffix: suffix, tickformat: suffix ? "" : "~s", nticks: 8 };
  const edges = [low / 1.2, high * 1.2].map((each) => Math.log10(each * factor));
  return { factor, axis: log ? { type: "log", range: edges, ...format, dtick: undefined } : { ...format, range: [Math.min(0, low * factor), (high * factor || 1) * 1.06] } };
}

function lines() {
  const x = AXES.get(state.x), width = widthOf($("plot-sweep"));
  const places = x.values ?? range(count(state.x)), names = state.y ? AXES.get(state.y).texts : [""];
  const rows = names.map((_, j) => places.map((_, i) => numberAt(i, j)));
  const { factor, axis } = numberAxis(rows.flat().filter((each) => each !== null), 400);
  const data = rows.map((row, j) => {
    const look = DATA.looks.series[j], ink = colour(look);
    return {
      x: places, y: row.map((each) => (each === null ? null : each * factor)), name: plain(names[j]), mode: "lines+markers",
      line: { color: ink, width: 2.5, dash: look.dash }, marker: { symbol: look.symbol, color: ink, size: places.length > 40 ? 3 : 8 },
      text: row.map((each, i) => `<b>${plain(names[j] || named(state.x))}</b><br>${plain(named(state.x))} ${plain(x.texts[i])}<br>${tell(each)}`),
      hovertemplate: "%{text}<extra></extra>",
    };
  });
  return {
    data,
    layout: {
      xaxis: { type: x.log ? "log" : "linear", zeroline: false, title: { text: plain(x.label) }, ...ownTicks(state.x, places, (width - 90) / 76) },
      yaxis: axis,
    },
  };
}

function map() {
  const width = widthOf($("plot-sweep")), xs = range(count(state.x)), ys = range(count(state.y));
  const numbers = ys.map((j) => xs.map((i) => numberAt(i, j))), all = numbers.flat().filter((each) => each !== null);
  const low = Math.min(...all), high = Math.max(...all), log = low > 0 && high >= 2 * low;
  const scale = (each) => (each === null ? null : log ? Math.log10(each) : each);
  const marks = range(6).map((k) => scale(low) + (k / 5) * (scale(high) - scale(low)));
  const texts = numbers.map((row) => row.map(tell));
  const fits = xs.length * ys.length <= WRITTEN && (width - 220) / xs.length > 7.2 * Math.max(...texts.flat().map((each) => each.length));
  return {
    data: [{
      type: "heatmap", x: xs, y: ys, z: numbers.map((row) => row.map(scale)), colorscale: COLOURS, xgap: 1, ygap: 1, text: texts,
      texttemplate: fits ? "%{text}" : "", hoverongaps: false,
      customdata: ys.map((j) => xs.map((i) => `${plain(named(state.x))} ${plain(AXES.get(state.x).texts[i])}<br>${plain(named(state.y))} ${plain(AXES.get(state.y).texts[j])}`)),
      hovertemplate: "<b>%{text}</b><br>%{customdata}<extra></extra>",
      colorbar: { thickness: 14, outlinewidth: 0, tickmode: "array", tickvals: marks, ticktext: marks.map((each) => tell(log ? 10 ** each : each)), tickfont: { color: variable("--quiet"), size: 12 } },
    }],
    layout: {
      margin: { l: 130, r: 16, t: 10, b: 46 },
      xaxis: { showgrid: false, zeroline: false, title: { text: plain(named(state.x)) }, ...ownTicks(state.x, xs, (width - 240) / 76) },
      yaxis: { showgrid: false, zeroline: false, title: { text: plain(named(state.y)), standoff: 4 }, ...ownTicks(state.y, ys, 16) },
    },
  };
}

function sweepFigure() {
  const { data, layout } = state.kind === "map" ? map() : lines();
  return { data, label: $("said").textContent, layout: baseLayout({ height: 460, ...layout }) };
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
    DATA.failed ? ` ${grouped(DATA.failed)} points of the sweep failed; their places are empty.` : ""}`;
  $("legend").replaceChildren(...(state.y && state.kind === "lines"
    ? AXES.get(state.y).texts.map((text, j) => make("li", {}, stroke(DATA.looks.series[j]), make("b", {}, text))) : []));
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
  addPlot($("plot-sweep"), ["value"], sweepFigure);
  choose({ value: VARIABLES.has("dram_bytes") ? "dram_bytes" : DATA.variables[0].name });
}

setUpSweep();
window.addEventListener("resize", () => { for (const plot of plots) plot.stale = true; refresh(); });
document.documentElement.dataset.ready = "yes";
