// Latency: on the grid that the engine computed, and nowhere else.

const timeTick = (milliseconds) => shortTime(milliseconds * 1e9);

function latencyFigure(kind) {
  const against = kind === "cache", capacity = nearestCapacity(), { capacities, bandwidths } = GRID;
  const places = [...(against ? capacities : bandwidths).keys()].filter((i) => !against || capacities[i]);
  const chosen = against ? capacity : state.rate, x = places.map((i) => (against ? capacities[i] : bandwidths[i]));
  const name = (i) => (against ? `cache ${exact(capacities[i])}` : GRID.rates[i]);
  const pick = (network, i) => (against ? latency(network, i) : latency(network, capacity, i));
  const marks = shownNetworks().flatMap((network) => {
    const y = places.map((i) => pick(network, i) / 1e9), ink = colour(network.look);
    return [{ kind: "line", x, y, ink, width: 1, dash: "2 4" }, {
      kind: "points", x, y, symbol: network.look.symbol, fill: ink, size: places.map((i) => (i === chosen ? 14 : 7)), ink: variable("--ground"), stroke: 1,
      tell: (i) => [network.label, name(places[i]), formatTime(pick(network, places[i]))],
      click: (i) => change(against ? { cache: capacities[places[i]] } : { rate: places[i] }),
    }];
  });
  const all = marks.flatMap((mark) => mark.y), most = Math.max(...all, ...(against ? NETWORKS.map((network) => pick(network, 0) / 1e9) : [])) * 1.06;
  const every = widthOf($("plot-latency-rate")) < 380 ? 8 : 4;
  const said = NETWORKS.map((network) => `${network.label} ${formatTime(latency(network))}`).join(", ");
  return {
    label: `Latency against ${against ? "the cache size" : "the bandwidth"}: ${said} at the marked point.`, height: printing ? 220 : 300, marks,
    x: {
      log: true, range: [x[0] * 0.8, x.at(-1) * 1.25], title: against ? "cache size" : "peak DRAM bandwidth",
      ticks: against ? logTicks : bandwidths.map((rate, i) => [rate, GRID.rates[i]]).filter((_, i) => i % every === 0),
    },
    y: against ? { range: [0, most], ticks: roundTicks(most, 5, timeTick) }
      : { log: true, range: [Math.min(...all) / 1.15, Math.max(...all) * 1.15], ticks: (low, high, tall) => logTicks(low, high, tall * 2, timeTick) },
  };
}

function latencyCsv(kind) {
  const against = kind === "cache", capacity = nearestCapacity();
  const rows = NETWORKS.flatMap((network) => (against ? GRID.capacities : GRID.bandwidths).map((value, i) =>
    (against ? [network.label, value, GRID.bandwidths[state.rate], GRID.mac_rates[state.macs], latency(network, i)] : [network.label, gridSize(), value, GRID.mac_rates[state.macs], latency(network, capacity, i)])));
  return { heads: ["network", "cache_bytes", "bandwidth_bytes_per_s", "macs_per_s", "time_ps"], rows };
}

function showLatency() {
  const exactly = onGrid() ? "is on it" : `is not: the ${SIMULATED.length ? (gridSize() > state.cache ? "smallest" : "next smaller") : "nearest"} is ${exact(gridSize())}, whose times are shown`;
  $("grid-note").textContent = `Time depends on when bytes move, so it was computed on a grid: ${GRID.capacities.length} caches (${GRID.rule} up to ${exact(GRID.capacities.at(-1))}, and the machine’s own) by ${
    GRID.bandwidths.length} bandwidths (${GRID.rates[0]} to ${GRID.rates.at(-1)}) by ${GRID.mac_rates.length} compute rates (${GRID.mac_texts[0]} to ${GRID.mac_texts.at(-1)}). The cache now set, ${exact(state.cache)}, ${
    exactly}. Nothing is interpolated; the dotted lines only guide the eye.`;
  $("t-latency-cache").textContent = `Against the cache, at ${GRID.rates[state.rate]}${state.macs === GRID.own_macs ? "" : ` and ${GRID.mac_texts[state.macs]}`}`;
  $("t-latency-rate").textContent = `Against the bandwidth, at ${sizeText(gridSize())}`;
}

function latencyTables() {
  return NETWORKS.map((network) => make("div", { className: "scroll" }, table(`${network.label}, latency at ${GRID.mac_texts[state.macs]}`, ["cache", ...GRID.rates],
    GRID.capacities.map((size, i) => [exact(size), ...GRID.times[network.number][i].map((each) => formatTime(each[state.macs]))]))));
}

function setUpLatency() {
  const details = $("table-latency").closest("details");
  const showTable = () => { if (details.open) $("table-latency").replaceChildren(...latencyTables()); };
  details.addEventListener("toggle", showTable);
  listeners.push((changes) => {
    if ("macs" in changes) showTable();
    if ("cache" in changes || "rate" in changes || "macs" in changes) showLatency();
  });
  for (const kind of ["cache", "rate"]) {
    addPlot($(`plot-latency-${kind}`), ["cache", "rate", "macs"], () => latencyFigure(kind), {
      title: () => `Latency ${$(`t-latency-${kind}`).textContent.replace("A", "a")}${variantWords()}`, csv: () => configured(latencyCsv(kind)), legend: "legend-latency", tall: 300,
    });
  }
}
