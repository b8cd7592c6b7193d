// Lives: how long each feature map is kept, which of them travel, and the live bytes below.

const MOST_LIVE = NETWORKS.map((network) => Math.max(1, network.live_bytes) * 1.15);
const USES = DATA.looks.use.map((look) => look.name);

/** Bytes of a feature map that cross because the cache is too small: read and written. */
function avoidable(network, place) {
  const tensor = network.maps.tensor[place], moved = state.whole[network.number].tensor(tensor);
  return { read: moved[RELOAD], write: moved[SPILL] };
}

const livesHeight = ({ maps }) => Math.min(Math.max(2.6 * maps.tensor.length + 20, 160), printing ? (COMPARING ? 200 : 320) : 480);

function livesFigure(network) {
  const { maps } = network, count = maps.tensor.length;
  const travels = maps.tensor.map((_, i) => { const { read, write } = avoidable(network, i); return read + write > 0; });
  const looks = travels.map((travel) => DATA.looks.life[travel ? 1 : 0]);
  const places = [...maps.tensor.keys()].filter((i) => isShown("life", looks[i].name));
  const until = (i) => Math.min(maps.consumed[i], maps.dead[i]) + 1, chosen = (find) => places.map(find);
  const part = (thickness, begin, end) => ({
    kind: "bars", left: chosen(begin), right: chosen(end), low: chosen((i) => i - thickness / 2), high: chosen((i) => i + thickness / 2),
    inks: chosen((i) => (isMarked(network, maps.tensor[i]) ? variable("--accent") : colour(looks[i]))),
    tell: (at) => lifeLines(network, places[at]), click: (at) => pick(network, "map", maps.tensor[places[at]]),
  });
  const marks = [part(0.45, (i) => maps.born[i], until), part(0.96, until, (i) => maps.dead[i] + 1)];
  const stay = travels.filter((each) => !each).length;
  return {
    label: `${network.label}: ${stay} of ${count} feature maps stay on chip at this cache size.`,
    height: livesHeight(network), marks, edges: stageEdges(network), spots: markedKernels(network), zooms: true,
    margin: { t: 4, b: 4 }, x: { ...stageAxis(network), ticks: [] }, y: { range: [count - 0.2, -0.8], grid: false, title: "feature maps" },
  };
}

function lifeLines(network, place) {
  const { maps, kernels, tensors } = network, tensor = maps.tensor[place], from = tensors.producer[tensor];
  const { read, write } = avoidable(network, place), reader = clip(kernels.name[maps.dead[place]]);
  const wait = maps.dead[place] - maps.consumed[place];
  return [
    clip(tensors.name[tensor]), `${exact(tensors.bytes[tensor])}${maps.copy[place] ? ", a concatenation’s copy" : ""}`,
    from >= 0 ? `written by ${clip(kernels.name[from])}` : "the network’s input",
    maps.dead[place] > maps.born[place] || from < 0 ? `last read by ${reader}${wait ? `, ${wait} kernels after the first reader` : ""}` : "read by no kernel",
    read + write ? `at this cache ${formatBytes(write)} written back, ${formatBytes(read)} read again` : "at this cache it stays on chip",
  ];
}

function livesCsv(network) {
  const { maps, kernels, tensors } = network;
  const rows = maps.tensor.map((tensor, i) => {
    const { read, write } = avoidable(network, i), from = tensors.producer[tensor];
    return [network.label, sizeShown(), tensors.name[tensor], tensors.bytes[tensor], from >= 0 ? kernels.name[from] : "",
      kernels.name[maps.consumed[i]] ?? "", kernels.name[maps.dead[i]], write, read];
  });
  return { heads: ["network", "cache_bytes", "feature_map", "bytes", "written_by", "first_read_by", "last_read_by", "spilled_bytes", "reloaded_bytes"], rows };
}

function liveFigure(network, width) {
  const kernels = network.kernels.name, { live } = network.maps;
  const marks = stacked(DATA.looks.use.filter((look) => isShown("use", look.name)), (look) => live[look.name], kernels.map((_, i) => i), kernels.map((_, i) => i + 1), {
    hatched: width / kernels.length > 6, column: true, click: (_, kernel) => pick(network, "layer", kernel),
    tell: (_, kernel) => [clip(kernels[kernel]), ...USES.map((use) => `${use}: ${exact(live[use][kernel])}`)],
  });
  const most = axisOf(network, MOST_LIVE), above = state.cache > most * 0.97, at = Math.min(state.cache, most * 0.97);
  return {
    label: `${network.label}: at most ${formatBytes(network.live_bytes)} of feature maps are live at once; the cache has ${formatBytes(state.cache)}.`,
    height: printing ? 130 : 190, marks, edges: stageEdges(network), spots: markedKernels(network), zooms: true, margin: { t: 6, b: 30 }, x: stageAxis(network),
    y: { range: [0, most], ticks: byteTicks(most, 4), title: "live bytes" },
    rules: [{ axis: "y", at, text: `cache ${sizeText(state.cache)}${above ? ", above this axis" : ""}` }],
  };
}

function liveCsv(network) {
  const rows = network.kernels.name.map((name, kernel) => [network.label, name, ...USES.map((use) => network.maps.live[use][kernel])]);
  return { heads: ["network", "layer", ...USES.map((use) => `${use}_bytes`)], rows };
}

function livesTable(network) {
  const { maps, kernels, tensors } = network;
  const rows = maps.tensor.map((tensor, i) => {
    const { read, write } = avoidable(network, i), from = tensors.producer[tensor];
    return [tensors.name[tensor], from >= 0 ? kernels.name[from] : "input", kernels.name[maps.dead[i]],
      grouped(tensors.bytes[tensor]), bytesOrDash(write), bytesOrDash(read)];
  });
  const found = table(`${network.label}, feature maps, cache ${exact(sizeShown())}`,
    ["feature map", "written by", "last read by", "bytes", "written back", "read again"], rows);
  found.classList.add("lives");
  return pickable(found, rows.length, "map", network, (i) => maps.tensor[i], (i) => isMarked(network, maps.tensor[i]));
}

function setUpLives() {
  for (const network of NETWORKS) {
    const bars = make("div", { className: "plot", role: "img" }), live = make("div", { className: "plot", role: "img" });
    const uses = make("ul", { className: "legend", "data-legend": "use" });
    $("plots-lives").append(make("figure", {}, make("h3", {}, network.label), bars, uses, live,
      lazyTable("Every feature map as a table", ["cache", "picked"], () => livesTable(network))));
    addPlot(bars, ["cache", "picked"], () => livesFigure(network), {
      title: () => `${network.label}: lives of feature maps, cache ${sizeText(sizeShown())}${variantWords()}`, csv: () => configured(livesCsv(network)), legend: "legend-lives", tall: livesHeight(network),
    });
    addPlot(live, ["cache", "picked"], () => liveFigure(network, widthOf(live)), { title: () => `${network.label}: live bytes${variantWords()}`, csv: () => configured(liveCsv(network)), tall: 190 });
  }
}
