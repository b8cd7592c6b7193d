// Plots: what all of them share. A plot is drawn when it is in view and something has changed.

const plots = [];
const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const plot = plots.find((each) => each.element === entry.target);
    plot.visible = entry.isIntersecting;
    if (plot.visible && plot.stale) draw(plot);
  }
}, { rootMargin: "60px" });

/**
 * Add a plot. `figure()` describes it, `concerns` are the changes that it shows; `title()` names
 * its downloads, `csv()` gives their numbers; `tall` is its height, which is kept free until it is drawn.
 */
function addPlot(element, concerns, figure, { title, csv, legend: id, tall = 0 }) {
  if (tall) element.style.minHeight = `${Math.max(tall, 120)}px`;  // the least of any
  const file = () => title().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 80);
  const plot = { element, concerns, figure, title, csv, file, legend: id, visible: false, stale: true, shown: null, zoom: null };
  plot.readout = make("div", { className: "readout", hidden: true });
  plots.push(plot);
  element.after(tools(plot));
  followPointer(plot);
  inView.observe(element);
  return plot;
}

/** The same object as long as the key is the same. */
function kept(store, name, key, build) {
  if (store[name]?.key !== key) store[name] = { key, value: build() };
  return store[name].value;
}

function draw(plot) {
  const figure = plot.figure();
  if (plot.zoom) figure.x = { ...figure.x, range: plot.zoom };
  plot.stale = false;
  plot.whole.hidden = !plot.zoom;
  plot.element.setAttribute("aria-label", figure.label);
  plot.tools.setAttribute("aria-label", plot.title());
  plot.shown = chart(figure, widthOf(plot.element));
  plot.readout.hidden = true;
  plot.element.style.minHeight = "";
  plot.element.replaceChildren(plot.shown.svg, plot.readout);
}

let frame = 0;
listeners.push((changes) => {
  for (const plot of plots) {
    if (plot.concerns.some((name) => name in changes) || "theme" in changes || "hidden" in changes) plot.stale = true;
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
  if (!printing) return Math.max(element.clientWidth, 160);
  return element.closest(".pair") ? 325 : 670;
}

// On paper: light, as wide as the sheet, everything drawn.
window.addEventListener("beforeprint", () => { printing = true; redrawAll(); });
window.addEventListener("afterprint", () => { printing = false; redrawAll(); });
window.addEventListener("resize", () => { for (const plot of plots) plot.stale = true; refresh(); });

function redrawAll() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of listeners) listener({ theme });
  for (const plot of plots) draw(plot);
}

/** Round steps of a linear axis from 0 on. */
function roundTicks(most, count, write) {
  const rough = (most || 1) / count, power = 10 ** Math.floor(Math.log10(rough));
  const gap = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  const found = [];
  for (let k = 0; k * gap <= most * 1.001; k += 1) found.push([k * gap, write(Number((k * gap).toPrecision(6)))]);
  return found;
}

/** Where the axis of a network ends: that of all, or its own where they differ too much for one. */
const axisOf = (network, most) => (UNEVEN ? most[network.number] : Math.max(...most));

const byteTicks = (most, count = 5) => roundTicks(Math.max(most, count), count, shortBytes);

/** Ticks of a logarithmic axis, as many as have room. */
function logTicks(low, high, width, write = shortBytes) {
  const room = width / Math.log10(high / low), found = [];
  if (room > 700) return roundTicks(high, (Math.max(width, 200) / 90) * (high / (high - low)), write).filter(([at]) => at >= low);
  const factors = room < 130 ? [1] : room < 240 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const factor of factors) found.push(Number(`${factor}e${power}`));
  }
  return found.filter((at) => at >= low && at <= high).map((at) => [at, write(at)]);
}

/** Where a network's stages are: ticks in their middle, lines at their edges. */
function stageAxis(network) {
  const { name: kernels, stages } = network.kernels;
  return {
    range: [0, kernels.length], grid: false,
    ticks: (low, high, width) => stages
      .filter(([name, begin, end]) => (end - begin) * (width / (high - low)) > 7 * Math.min(name.length, 16))
      .map(([name, begin, end]) => [(begin + end) / 2, clip(name, 16)]),
  };
}

function stageEdges(network) {
  const found = [];
  for (const [, begin] of network.kernels.stages.slice(1)) {
    if (begin - (found.at(-1) ?? 0) > network.kernels.name.length / 100) found.push(begin);
  }
  return found;
}

/** Bars on top of one another: a mark for each look, upwards or, `along` x, to the right. */
function stacked(looks, values, begins, ends, { along = "y", ...more }) {
  const floor = begins.map(() => 0);
  return looks.map((look) => {
    const own = values(look), low = floor.slice(), high = own.map((value, i) => { floor[i] += value; return floor[i]; });
    const kept = [...own.keys()].filter((i) => own[i]), pick = (column) => kept.map((i) => column[i]);
    const sides = along === "y"
      ? { left: pick(begins), right: pick(ends), low: pick(low), high: pick(high) }
      : { left: pick(low), right: pick(high), low: pick(begins), high: pick(ends) };
    return { kind: "bars", look, ...sides, ...more, tell: (i) => more.tell(look, kept[i], own[kept[i]]), click: more.click && ((i) => more.click(look, kept[i])) };
  });
}
