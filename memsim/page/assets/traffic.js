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
  const sizes = [...x, end];
  const under = sizes.map((size) => network.knees.find((knee) => Math.abs(Math.log(size / knee.cache)) < 0.012));
  const ink = colour(network.look), { label } = network;
  return [
    {
      x: sizes, y: [...y, y.at(-1)], mode: "lines", line: { shape: "hv", color: ink, width: 2.5, dash: network.look.dash },
      customdata: sizes.map((size, i) => under[i]?.cache ?? size),
      text: sizes.map((size, i) => (under[i] ? kneeText(network, under[i]) : `<b>${plain(label)}</b><br>from ${exact(size)} on<br>${exact(y[Math.min(i, y.length - 1)])} of traffic`)),
      hovertemplate: "%{text}<extra></extra>", name: plain(label),
    },
    {
      x: [least, end], y: [network.curve.compulsory, network.curve.compulsory], mode: "lines",
      line: { color: ink, width: 1.2, dash: "3px,4px" },
      text: `<b>${plain(label)}</b><br>compulsory: ${exact(network.curve.compulsory)}`, hovertemplate: "%{text}<extra></extra>",
    },
    {
      x: network.knees.map((knee) => knee.cache), y: network.knees.map((knee) => knee.left), mode: "markers",
      marker: { symbol: network.look.symbol, size: 11, color: variable("--ground"), line: { color: ink, width: 2.2 } },
      text: network.knees.map((knee) => kneeText(network, knee)), hovertemplate: "%{text}<extra></extra>",
    },
  ];
}

function curveFigure() {
  const least = POSITIONS[1], end = POSITIONS.at(-1), data = [];
  const most = Math.max(...NETWORKS.map((network) => network.free)) * 1.05;
  for (const network of NETWORKS) {
    data.push(...kept(network, "lines", `${isDark()} ${state.part}`, () => curveLines(network, least, end)), {
      x: [Math.max(state.cache, least)], y: [state.traffic[network.number].total], mode: "markers",
      marker: { symbol: network.look.symbol, size: 13, color: colour(network.look), line: { color: variable("--ground"), width: 1.5 } },
      text: `<b>${plain(network.label)}</b><br>${exact(state.traffic[network.number].total)}<br>at a cache of ${exact(state.cache)}`,
      hovertemplate: "%{text}<extra></extra>",
    });
  }
  const at = Math.min(Math.max(state.cache, least), end);
  const right = Math.log(at / least) > 0.7 * Math.log(end / least);
  const name = state.cache ? sizeText(state.cache) : "no cache";
  return {
    data, label: `Traffic against cache size. ${sentence()}`,
    layout: baseLayout({
      height: 420,
      xaxis: { ...logTicks(least, end, widthOf($("plot-curve"))), title: { text: "cache size" } },
      yaxis: { ...byteTicks(most), range: [0, most], title: { text: "DRAM traffic" } },
      shapes: [ruler("x", at, name, { textposition: "end", textangle: 0, xanchor: right ? "right" : "left", yanchor: "top" })],
    }),
  };
}

function kneeText(network, knee) {
  const parts = knee.shares.slice(0, 4).map(([tensor, layer, saves, bytes]) =>
    `<br>  ${formatBytes(bytes)} ${saves === "read" ? "less read" : "less written"}: ${plain(clip(tensor))}`
    + (saves === "read" ? ` for ${plain(clip(layer))}` : ""));
  const others = knee.parts > 4 ? `<br>  and ${knee.parts - 4} more` : "";
  return `<b>${plain(network.label)}: a knee at ${exact(knee.cache)}</b><br>saves ${exact(knee.read + knee.write)} from ${exact(knee.start)} on${parts.join("")}${others}`;
}

function splitFigure(kind) {
  const looks = DATA.looks[kind], names = kind === "role" ? ROLES : CAUSES;
  const sums = (network) => (kind === "role" ? state.traffic[network.number].byRole : state.traffic[network.number].byCause);
  const most = Math.max(...NETWORKS.map((network) => network.free)) * 1.02, ink = variable("--text");
  const data = looks.map((look) => {
    const place = names.indexOf(look.name);
    const x = NETWORKS.map((network) => sums(network)[place]);
    return {
      type: "bar", orientation: "h", x, y: NETWORKS.map((_, i) => i), marker: fill(look), width: 0.62,
      text: NETWORKS.map((network, i) => `<b>${plain(network.label)}</b><br>${look.name}: ${exact(x[i])}<br>${plain(look.meaning)}`),
      textposition: "none", hovertemplate: "%{text}<extra></extra>",
    };
  });
  const shapes = NETWORKS.map((network, i) => ({
    type: "line", x0: network.curve.compulsory, x1: network.curve.compulsory, y0: i - 0.31, y1: i + 0.38, line: { color: ink, width: 2 },
  }));
  const said = NETWORKS.map((network) => `${network.label}: ${names.map((name, i) => [name, sums(network)[i]])
    .filter(([, bytes]) => bytes).map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(", ")}`);
  return {
    data, label: `Traffic by ${kind}. ${said.join(". ")}`,
    layout: baseLayout({
      height: 66 + 60 * NETWORKS.length, shapes, margin: { l: 8, r: 16, t: 22, b: 34 },
      xaxis: { ...byteTicks(most, 4), range: [0, most] },
      yaxis: { range: [NETWORKS.length - 0.5, -0.75], showticklabels: false, showgrid: false, zeroline: false },
      annotations: NETWORKS.map((network, i) => ({
        text: plain(clip(network.label)), x: 0, y: i - 0.34, xanchor: "left", yanchor: "bottom", showarrow: false,
        xref: "x", font: { size: 12, color: ink }, borderpad: 0,
      })),
    }),
  };
}

/** Where one of two networks begins to move less than the other. */
function tellCrossings() {
  if (NETWORKS.length !== 2) return;
  const [a, b] = NETWORKS, found = [];
  let before = 0;
  const level = ({ curve: { steps } }, size) => steps.totals[countUpTo(steps.sizes, size) - 1];
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
  tellCrossings();
  const list = $("legend-curve");
  listeners.push((changes) => {
    if (!("theme" in changes)) return;
    list.replaceChildren(...NETWORKS.map((network) => make("li", {}, stroke(network.look), make("b", {}, network.label))),
      make("li", { className: "note" }, "hollow marks: knees; dashed level: compulsory"));
    for (const each of document.querySelectorAll("[data-legend]")) legend(each, each.dataset.legend, ["life", "use"].includes(each.dataset.legend));
  });
  addPlot($("plot-curve"), ["cache"], curveFigure, ({ points }) => {
    const cache = points[0].customdata ?? points[0].x;
    if (cache !== state.cache) change({ cache });
  });
  addPlot($("plot-role"), ["cache"], () => splitFigure("role"));
  addPlot($("plot-cause"), ["cache"], () => splitFigure("cause"));
}
