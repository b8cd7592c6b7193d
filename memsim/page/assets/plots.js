// Plots: what all of them share. A plot is drawn when it is in view and something has changed.

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset" };
const plots = [];
const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const plot = plots.find((each) => each.element === entry.target);
    plot.visible = entry.isIntersecting;
    if (plot.visible && plot.stale) draw(plot);
  }
}, { rootMargin: "60px" });

/** Add a plot. `figure()` gives data and layout; `concerns` are the changes that it shows. */
function addPlot(element, concerns, figure, onClick) {
  const plot = { element, concerns, figure, onClick, visible: false, stale: true, drawn: false };
  plots.push(plot);
  inView.observe(element);
  return plot;
}

/** The same object as long as the key is the same: plotly then redraws only what differs. */
function kept(store, name, key, build) {
  if (store[name]?.key !== key) store[name] = { key, value: build() };
  return store[name].value;
}

function draw(plot) {
  const { data, layout, label } = plot.figure();
  plot.stale = false;
  plot.element.setAttribute("aria-label", label);
  if (printing) layout.width = widthOf(plot.element);
  Plotly.react(plot.element, data, layout, CONFIG);
  if (!plot.drawn && plot.onClick) plot.element.on("plotly_click", plot.onClick);
  plot.drawn = true;
}

let frame = 0;
listeners.push((changes) => {
  for (const plot of plots) {
    if (plot.concerns.some((name) => name in changes) || "theme" in changes) plot.stale = true;
  }
  refresh();
});

function refresh() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    for (const plot of plots) if (plot.visible && plot.stale) draw(plot);
  });
}

/** The width that a plot has or, on paper, will have. */
function widthOf(element) {
  if (!printing) return element.clientWidth;
  return element.closest(".pair") ? 325 : 670;
}

// On paper: light, as wide as the sheet, everything drawn.
window.addEventListener("beforeprint", () => { printing = true; redrawAll(); });
window.addEventListener("afterprint", () => { printing = false; redrawAll(); });

function redrawAll() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of listeners) listener({ theme });
  for (const plot of plots) draw(plot);
}

/** The layout that all plots have in common. */
function baseLayout(changes) {
  const text = variable("--text"), quiet = variable("--quiet"), line = variable("--line");
  const axis = {
    gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: false, fixedrange: false,
    tickfont: { color: quiet, size: 12 }, title: { font: { color: quiet, size: 12 } },
  };
  const merge = (own) => ({ ...axis, ...own, title: { ...axis.title, ...own?.title } });
  const { xaxis, yaxis, ...others } = changes;
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: !printing,
    font: { family: variable("--font"), color: text, size: 13 }, showlegend: false,
    margin: { l: 64, r: 16, t: 10, b: 46 }, hovermode: "closest", barmode: "stack",
    dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    hoverlabel: {
      bgcolor: variable("--card"), bordercolor: quiet, align: "left",
      font: { family: variable("--font"), color: text, size: 13 },
    },
    xaxis: merge(xaxis), yaxis: merge(yaxis), ...others,
  };
}

/** Round ticks of an axis of bytes from 0 on. */
function byteTicks(most, count = 5) {
  const rough = Math.max(most, 1) / count, power = 10 ** Math.floor(Math.log10(rough));
  const gap = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const tickvals = [];
  for (let at = 0; at <= most * 1.001; at += gap) tickvals.push(at);
  return { tickmode: "array", tickvals, ticktext: tickvals.map(shortBytes) };
}

/** Ticks of a logarithmic axis of bytes. */
function logTicks(low, high, width) {
  const tickvals = [], room = width / Math.log10(high / low);
  const factors = room < 130 ? [1] : room < 240 ? [1, 3] : [1, 2, 5];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    for (const factor of factors) if (power * factor >= low && power * factor <= high) tickvals.push(power * factor);
  }
  return { type: "log", range: [Math.log10(low), Math.log10(high)], tickmode: "array", tickvals, ticktext: tickvals.map(shortBytes) };
}

/** The fill of a bar: a colour, hatched where bars are wide enough to show it. */
function fill(look, hatched = true) {
  const pattern = hatched && look.hatch
    ? { shape: look.hatch, fillmode: "overlay", fgcolor: look.light === "#F0E442" ? "#7a6a00" : "#ffffff", fgopacity: 0.6, size: 7, solidity: 0.22 }
    : undefined;
  return { color: colour(look), line: { width: hatched ? 1 : 0, color: variable("--ground") }, ...(pattern ? { pattern } : {}) };
}

/** A dashed line with a name. */
function ruler(axis, at, text, more = {}) {
  const ink = variable("--text"), across = axis === "x" ? "y" : "x";
  return {
    type: "line", [`${axis}0`]: at, [`${axis}1`]: at, [`${across}0`]: 0, [`${across}1`]: 1,
    [`${across}ref`]: "paper", line: { color: ink, width: 1.5, dash: "5px,3px" },
    label: { text, font: { size: 12, color: ink }, padding: 3, ...more },
  };
}

/** Where a network's stages are: ticks in their middle, lines at their edges. */
function stageAxis(network, width) {
  const kernels = network.kernels.name.length;
  const room = Math.max(width - 80, 200) / kernels;
  const wide = network.kernels.stages.filter(([name, begin, end]) => (end - begin) * room > 7 * Math.min(name.length, 16));
  return {
    range: [0, kernels], showgrid: false, zeroline: false, tickmode: "array", ticks: "",
    tickvals: wide.map(([, begin, end]) => (begin + end) / 2), ticktext: wide.map(([name]) => plain(clip(name, 16))),
  };
}

function stageLines(network) {
  const line = { color: variable("--line"), width: 1, dash: "solid" };
  const shown = [];
  for (const [, begin] of network.kernels.stages.slice(1)) {
    if (begin - (shown.at(-1) ?? 0) > network.kernels.name.length / 100) shown.push(begin);
  }
  return shown.map((begin) => ({ type: "line", x0: begin, x1: begin, y0: 0, y1: 1, yref: "paper", line, layer: "below" }));
}
