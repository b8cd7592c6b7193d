// Lives: how long each feature map is kept, which of them travel, and the live bytes below.

const MOST_LIVE = Math.max(1, ...NETWORKS.map((network) => network.live_bytes)) * 1.15;
const USES = DATA.looks.use.map((look) => look.name);

/** Bytes of a feature map that cross because the cache is too small: read and written. */
function avoidable(network, place) {
  const tensor = network.maps.tensor[place], moved = state.whole[network.number].tensor(tensor);
  return { read: moved[RELOAD], write: moved[SPILL] };
}

function livesFigure(network, width) {
  const { maps } = network, count = maps.tensor.length, places = maps.tensor.map((_, i) => i);
  const travels = places.map((i) => { const { read, write } = avoidable(network, i); return read + write > 0; });
  const [stays, goes] = DATA.looks.life.map(colour);
  const until = (i) => Math.min(maps.consumed[i], maps.dead[i]) + 1;
  const part = (thickness, begin, end) => ({
    type: "bar", orientation: "h", y: places, base: places.map(begin), x: places.map((i) => end(i) - begin(i)), width: thickness,
    textposition: "none", hovertemplate: "%{hovertext}<extra></extra>",
  });
  // Only colours and texts change with the cache: the bars themselves are not drawn again.
  const bars = network.bars ??= [part(0.45, (i) => maps.born[i], until), part(1, until, (i) => maps.dead[i] + 1)];
  const marker = { color: travels.map((travel) => (travel ? goes : stays)), line: { width: 0 } };
  const hovertext = places.map((i) => lifeText(network, i));
  const data = bars.map((bar) => ({ ...bar, marker, hovertext }));
  const stay = travels.filter((each) => !each).length;
  const tall = printing ? 280 : 480;
  return {
    data, label: `${network.label}: ${stay} of ${count} feature maps stay on chip at this cache size.`,
    layout: baseLayout({
      height: Math.min(Math.max(2.6 * count + 20, 160), tall), barmode: "overlay", margin: { l: 64, r: 16, t: 4, b: 4 },
      xaxis: { ...stageAxis(network, width), showticklabels: false }, shapes: stageLines(network),
      yaxis: { range: [count - 0.2, -0.8], showticklabels: false, ticks: "", showgrid: false, zeroline: false, title: { text: "feature maps" } },
    }),
  };
}

function lifeText(network, place) {
  const { maps, kernels, tensors } = network, tensor = maps.tensor[place], from = tensors.producer[tensor];
  const { read, write } = avoidable(network, place), reader = plain(clip(kernels.name[maps.dead[place]]));
  const wait = maps.dead[place] - maps.consumed[place];
  return [
    `<b>${plain(clip(tensors.name[tensor]))}</b>, ${exact(tensors.bytes[tensor])}${maps.copy[place] ? ", a concatenation’s copy" : ""}`,
    from >= 0 ? `written by ${plain(clip(kernels.name[from]))}` : "the network’s input",
    maps.dead[place] > maps.born[place] || from < 0 ? `last read by ${reader}${wait ? `, ${wait} kernels after the first reader` : ""}` : "read by no kernel",
    read + write ? `at this cache ${formatBytes(write)} written back, ${formatBytes(read)} read again` : "at this cache it stays on chip",
  ].join("<br>");
}

function liveFigure(network, width) {
  const kernels = network.kernels.name, wide = width / kernels.length > 6;
  const data = kept(network, "liveData", `${isDark()} ${wide}`, () => DATA.looks.use.map((look) => {
    const y = network.maps.live[look.name];
    return {
      type: "bar", x: kernels.map((_, kernel) => kernel + 0.5), y, width: 1, marker: { ...fill(look, wide), line: { width: 0 } },
      text: kernels.map((name, kernel) => `<b>${plain(clip(name))}</b><br>${USES.map((use) => `${use}: ${exact(network.maps.live[use][kernel])}`).join("<br>")}`),
      textposition: "none", hovertemplate: "%{text}<extra></extra>",
    };
  }));
  const above = state.cache > MOST_LIVE * 0.97, at = Math.min(state.cache, MOST_LIVE * 0.97);
  const name = above ? `cache ${sizeText(state.cache)}, above this axis` : `cache ${sizeText(state.cache)}`;
  const place = at > MOST_LIVE * 0.85 ? "top" : "bottom";
  return {
    data,
    label: `${network.label}: at most ${formatBytes(network.live_bytes)} of feature maps are live at once; the cache has ${formatBytes(state.cache)}.`,
    layout: baseLayout({
      height: 190, bargap: 0, xaxis: stageAxis(network, width), margin: { l: 64, r: 16, t: 4, b: 30 },
      yaxis: { ...byteTicks(MOST_LIVE, 4), range: [0, MOST_LIVE], title: { text: "live bytes" } },
      shapes: [...stageLines(network), ruler("y", at, name, { textposition: "end", yanchor: place })],
    }),
  };
}

function livesTable(network) {
  const { maps, kernels, tensors } = network;
  const rows = maps.tensor.map((tensor, i) => {
    const { read, write } = avoidable(network, i), from = tensors.producer[tensor];
    return [tensors.name[tensor], from >= 0 ? kernels.name[from] : "input", kernels.name[maps.dead[i]],
      grouped(tensors.bytes[tensor]), bytesOrDash(write), bytesOrDash(read)];
  });
  const found = table(`${network.label}, feature maps, cache ${exact(state.cache)}`,
    ["feature map", "written by", "last read by", "bytes", "written back", "read again"], rows);
  found.classList.add("lives");
  return found;
}

function setUpLives() {
  for (const network of NETWORKS) {
    const bars = make("div", { className: "plot", role: "img" }), live = make("div", { className: "plot", role: "img" });
    const uses = make("ul", { className: "legend", "data-legend": "use" });
    $("plots-lives").append(make("figure", {}, make("h3", {}, network.label), bars, uses, live,
      lazyTable("Every feature map as a table", ["cache"], () => livesTable(network))));
    addPlot(bars, ["cache"], () => livesFigure(network, widthOf(bars)));
    addPlot(live, ["cache"], () => liveFigure(network, widthOf(live)));
  }
}
