// Latency: on the grid that the engine computed, and nowhere else.

const TICKS = [-3, -2, -1, 0, 1, 2, 3, 4, 5].flatMap((power) => [1, 2, 5].map((factor) => Number((factor * 10 ** power).toPrecision(1))));

function latencyFigure(kind) {
  const against = kind === "cache", data = [], capacity = nearestCapacity(), { capacities, bandwidths } = GRID;
  const places = against ? capacities.map((_, i) => i).filter((i) => capacities[i]) : bandwidths.map((_, i) => i);
  const chosen = against ? capacity : state.rate;
  const x = places.map((i) => (against ? capacities[i] : bandwidths[i]));
  let most = 0;
  for (const network of NETWORKS) {
    const pick = (i) => (against ? latency(network, i) : latency(network, capacity, i));
    const name = (i) => (against ? `cache ${exact(capacities[i])}` : GRID.rates[i]);
    const y = places.map((i) => pick(i) / 1e9), ink = colour(network.look);
    most = Math.max(most, ...(against ? [pick(0) / 1e9] : []), ...y);
    data.push({
      x, y, mode: "lines+markers", line: { color: ink, width: 1, dash: "2px,4px" },
      marker: { symbol: network.look.symbol, color: ink, opacity: 1, size: places.map((i) => (i === chosen ? 15 : 7)), line: { color: variable("--ground"), width: 1 } },
      text: places.map((i) => `<b>${plain(network.label)}</b><br>${name(i)}<br>${formatTime(pick(i))}`), hovertemplate: "%{text}<extra></extra>",
    });
  }
  const every = widthOf($("plot-latency-rate")) < 380 ? 8 : 4, rates = bandwidths.filter((_, i) => i % every === 0);
  const axis = against ? logTicks(x[0] * 0.8, x.at(-1) * 1.25, widthOf($("plot-latency-cache")))
    : { type: "log", range: [Math.log10(x[0] * 0.8), Math.log10(x.at(-1) * 1.25)], tickmode: "array", tickvals: rates, ticktext: rates.map((_, i) => GRID.rates[every * i]) };
  const said = NETWORKS.map((network) => `${network.label} ${formatTime(latency(network))}`).join(", ");
  const logarithmic = !against;
  return {
    data, label: `Latency against ${against ? "the cache size" : "the bandwidth"}: ${said} at the marked point.`,
    layout: baseLayout({
      height: 300, margin: { l: 64, r: 12, t: 10, b: 46 },
      xaxis: { ...axis, title: { text: against ? "cache size" : "peak DRAM bandwidth" } },
      yaxis: logarithmic
        ? { type: "log", tickmode: "array", tickvals: TICKS, ticktext: TICKS.map((ms) => `${ms} ms`) }
        : { range: [0, most * 1.06], ticksuffix: " ms", nticks: 6 },
    }),
  };
}

function showLatency() {
  const exactly = onGrid() ? "is on it" : `is not: the nearest is ${exact(gridSize())}, whose times are shown`;
  $("grid-note").textContent = `Time depends on when bytes move, so it was computed on a grid: ${GRID.capacities.length} caches (${GRID.rule} up to ${exact(GRID.capacities.at(-1))}, and the machine’s own) by ${
    GRID.bandwidths.length} bandwidths (${GRID.rates[0]} to ${GRID.rates.at(-1)}). The cache now set, ${exact(state.cache)}, ${
    exactly}. Nothing is interpolated; the dotted lines only guide the eye.`;
  $("t-latency-cache").textContent = `Against the cache, at ${GRID.rates[state.rate]}`;
  $("t-latency-rate").textContent = `Against the bandwidth, at ${sizeText(gridSize())}`;
}

function latencyTables() {
  return NETWORKS.map((network) => make("div", { className: "scroll" }, table(`${network.label}, latency`, ["cache", ...GRID.rates],
    GRID.capacities.map((size, i) => [exact(size), ...GRID.times[network.number][i].map(formatTime)]))));
}

function setUpLatency() {
  $("table-latency").replaceChildren(...latencyTables());
  listeners.push((changes) => { if ("cache" in changes || "rate" in changes) showLatency(); });
  addPlot($("plot-latency-cache"), ["cache", "rate"], () => latencyFigure("cache"));
  addPlot($("plot-latency-rate"), ["cache", "rate"], () => latencyFigure("rate"));
}
