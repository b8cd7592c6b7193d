// Traffic: the curve over the cache size, and the bars by role and by cause.

/** As many steps as a screen can tell apart: each that is left out differs by less than a pixel. */
function thinned({ sizes, totals }, least, knees) {
  const fine = totals[0] / 1500, wide = 1.0015, x = [least], y = [totals[countUpTo(sizes, least) - 1]];
  for (let i = countUpTo(sizes, least); i < sizes.length; i += 1) {
    if (y.at(-1) - totals[i] > fine || sizes[i] > x.at(-1) * wide || i === sizes.length - 1 || knees.has(sizes[i])) {
      x.push(sizes[i]);
      y.push(totals[i]);
    }
  }
  return { x, y };
}

/** What of a network does not depend on the cache that is set: its line, its floor, its knees. */
function curveLines(network, least, end) {
  const { x, y } = thinned(network.curve.steps, least, new Set(network.knees.map((knee) => knee.cache)));
  // A mark covers the line beside it: there, too, it is the knee that is shown and selected.
  const sizes = [...x, end], ink = colour(network.look), { label, knees } = network;
  const under = sizes.map((size) => knees.find((knee) => Math.abs(Math.log(size / knee.cache)) < 0.012));
  const { compulsory } = network.curve;
  return [
    {
      kind: "line", steps: true, x: sizes, y: [...y, y.at(-1)], ink, width: 2.5, dash: dashOf(network.look),
      click: (i) => change({ cache: under[i]?.cache ?? sizes[i] }),
      tell: (i) => (under[i] ? kneeLines(network, under[i]) : [label, `from ${exact(sizes[i])} on`, `${exact(y[Math.min(i, y.length - 1)])} of traffic`]),
    },
    {
      kind: "line", x: [least, end], y: [compulsory, compulsory], ink, width: 1.2, dash: "3 4",
      tell: () => [label, `compulsory: ${exact(compulsory)}`],
    },
    {
      kind: "points", x: knees.map((knee) => knee.cache), y: knees.map((knee) => knee.left), symbol: network.look.symbol,
      size: 11, fill: variable("--ground"), ink, stroke: 2.2, tell: (i) => kneeLines(network, knees[i]), click: (i) => change({ cache: knees[i].cache }),
    },
  ];
}

const shownNetworks = () => NETWORKS.filter(({ look }) => isShown("series", look.name));

function curveFigure() {
  const least = LEAST, end = POSITIONS.at(-1), marks = [];
  const most = Math.max(...NETWORKS.map((network) => network.free)) * 1.05;
  for (const network of shownNetworks()) {
    const { total } = state.traffic[network.number];
    marks.push(...kept(network, "lines", `${isDark()} ${state.part}`, () => curveLines(network, least, end)), {
      kind: "points", x: [Math.max(state.cache, least)], y: [total], symbol: network.look.symbol, size: 13,
      fill: colour(network.look), ink: variable("--ground"), stroke: 1.5,
      tell: () => [network.label, exact(total), `at a cache of ${exact(sizeShown())}`],
    });
  }
  return {
    label: `Traffic against cache size. ${sentence()}`, height: printing ? 260 : 400, marks, zooms: true, margin: { t: 24 },
    x: { log: true, range: [least, end], ticks: logTicks, title: "cache size" },
    y: state.scale === "log"
      ? { log: true, range: [Math.max(Math.min(...NETWORKS.map(({ curve }) => curve.compulsory), most) / 1.2, 1), most], ticks: (low, high, tall) => logTicks(low, high, tall * 2), title: "DRAM traffic" }
      : { range: [0, most], ticks: byteTicks(most), title: "DRAM traffic" },
    rules: [{ axis: "x", at: Math.min(Math.max(state.cache, least), end), text: state.cache ? sizeText(state.cache) : "no cache" }],
  };
}

/** Every step of every curve: what the line shows, and more than it can show. */
function curveTable() {
  const rows = NETWORKS.flatMap(({ label, curve: { steps } }) => Array.from(steps.sizes, (size, i) => [label, Math.max(size, SIMULATED[0] ?? 0), steps.totals[i]]));
  return { heads: ["network", "cache_bytes", "dram_bytes"], rows };
}

function kneeLines(network, knee) {
  const parts = knee.shares.slice(0, 4).map(([tensor, layer, saves, bytes]) =>
    `\u2003${formatBytes(bytes)} ${saves === "read" ? "less read" : "less written"}: ${clip(tensor)}${saves === "read" ? ` for ${clip(layer)}` : ""}`);
  const others = knee.parts > 4 ? [`\u2003and ${knee.parts - 4} more`] : [];
  return [`${network.label}: a knee at ${exact(knee.cache)}`, `saves ${exact(knee.read + knee.write)} from ${exact(knee.start)} on`, ...parts, ...others];
}

const sumsOf = (kind, network) => (kind === "role" ? state.traffic[network.number].byRole : state.traffic[network.number].byCause);
const namesOf = (kind) => (kind === "role" ? ROLES : CAUSES);

const splitHeight = () => 56 + (printing ? 44 : 60) * NETWORKS.length;

function splitFigure(kind, width) {
  const names = namesOf(kind), looks = DATA.looks[kind].filter((look) => isShown(kind, look.name));
  // Where one axis would leave some networks without length, each has its own: shares of its traffic without a cache.
  const unit = (network) => (UNEVEN ? network.free / 100 || 1 : 1), most = (UNEVEN ? 100 : Math.max(...NETWORKS.map((network) => network.free))) * 1.02;
  const bytesOf = (look, network) => sumsOf(kind, network)[names.indexOf(look.name)];
  const marks = stacked(looks, (look) => NETWORKS.map((network) => bytesOf(look, network) / unit(network)),
    NETWORKS.map((_, i) => i - 0.3), NETWORKS.map((_, i) => i + 0.3), {
      along: "x", hatched: true, outlined: true,
      tell: (look, i) => [NETWORKS[i].label, `${look.name}: ${exact(bytesOf(look, NETWORKS[i]))}`, look.meaning],
    });
  const ticks = NETWORKS.map((network, i) => ({
    kind: "line", x: [0, 1].map(() => network.curve.compulsory / unit(network)), y: [i - 0.33, i + 0.33], ink: variable("--text"), width: 2,
  }));
  const said = NETWORKS.map((network) => `${network.label}: ${names.map((name, i) => [name, sumsOf(kind, network)[i]])
    .filter(([, bytes]) => bytes).map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(", ")}`);
  return {
    label: `Traffic by ${kind}. ${said.join(". ")}`, height: splitHeight(), margin: { l: 8, r: 24, t: 8, b: 30 },
    marks: [...marks, ...ticks, { kind: "texts", x: NETWORKS.map(() => 0), y: NETWORKS.map((_, i) => i - 0.38), texts: NETWORKS.map(({ label, number }) => clip(label, Math.max(20, Math.floor(width / 7) - (UNEVEN ? 12 : 0))) + (UNEVEN ? `: ${formatBytes(state.traffic[number].total)}` : "")) }],
    x: { range: [0, most], ticks: UNEVEN ? roundTicks(most, 4, (share) => `${share} %`) : byteTicks(most, 4) }, y: { range: [NETWORKS.length - 0.5, -0.72], grid: false },
  };
}

function splitTable(kind) {
  const rows = NETWORKS.flatMap((network) => namesOf(kind).map((name, i) => [network.label, sizeShown(), name, sumsOf(kind, network)[i]]));
  return { heads: ["network", "cache_bytes", kind, "dram_bytes"], rows };
}

/** Where one of two networks begins to move less than the other. */
function tellCrossings() {
  if (NETWORKS.length !== 2) return;
  const [a, b] = NETWORKS, found = [], places = [0, 0];
  let before = 0;
  const level = ({ number, curve: { steps: { sizes, totals } } }, size) => {  // sizes come in order
    while (sizes[places[number] + 1] <= size) places[number] += 1;
    return totals[places[number]];
  };
  for (const size of CHANGES) {
    const now = Math.sign(level(a, size) - level(b, size));
    if (now && before && now !== before) found.push([size, ...(now > 0 ? [b, a] : [a, b])]);
    before = now || before;
  }
  const told = found.slice(-3).map(([size, less, more]) => `From ${exact(size)} on, ${less.label} moves less than ${more.label}. `);
  if (before && !found.length) told.push(before > 0 ? `${b.label} never moves more than ${a.label}. ` : `${a.label} never moves more than ${b.label}. `);
  $("crossings").textContent = told.join("");
}

function setUpTraffic() {
  $("at-first").textContent = AT_FIRST;
  if (UNEVEN) $("own-axis").textContent = ", of each network its own";
  const list = $("legend-curve");
  listeners.push((changes) => {
    if ("part" in changes) tellCrossings();
    if (!("theme" in changes || "hidden" in changes)) return;
    const entries = () => NETWORKS.map((network) => legendItem("series", network.look, stroke(network.look)));
    $("legend-latency").replaceChildren(...entries());
    list.replaceChildren(...entries(),
      make("li", { className: "note" }, "hollow marks: knees; dashed level: compulsory"));
    for (const each of document.querySelectorAll("[data-legend]")) legend(each, each.dataset.legend, ["life", "use"].includes(each.dataset.legend));
  });
  addPlot($("plot-curve"), ["cache", "scale"], curveFigure, { title: () => trafficTitle("at " + (SIMULATED.length ? "the cache sizes simulated" : "every cache size")), csv: () => configured(curveTable(), true), legend: "legend-curve" });
  for (const kind of ["role", "cause"]) {
    addPlot($(`plot-${kind}`), ["cache"], () => splitFigure(kind, widthOf($(`plot-${kind}`))), { title: () => trafficTitle(`by ${kind}, cache ${sizeText(sizeShown())}`), csv: () => configured(splitTable(kind), true), tall: splitHeight() });
  }
}
