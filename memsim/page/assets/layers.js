// Layers: traffic of each kernel, by role or by cause, and the same as a table.

/** The most that any layer of each network moves. */
const MOST_PER_LAYER = NETWORKS.map(({ curve }) => {
  const sums = new Float64Array(curve.kernels);
  curve.at(0).layers.forEach((bytes, i) => { sums[Math.floor(i / (ROLES.length * CAUSES.length))] += bytes; });
  return sums.reduce((a, b) => Math.max(a, b), 1);
});

function layersFigure(network, width) {
  const traffic = state.traffic[network.number], kernels = network.kernels.name, names = namesOf(state.split);
  const looks = DATA.looks[state.split].filter((look) => isShown(state.split, look.name));
  const cells = kernels.map((_, kernel) => traffic.layer(kernel)), wide = width / kernels.length > 14;
  const bytes = (look, place = names.indexOf(look.name)) => cells.map((cell) => (state.split === "role"
    ? cell[place].reduce((a, b) => a + b) : cell.reduce((sum, row) => sum + row[place], 0)));
  const marks = stacked(looks, bytes, kernels.map((_, i) => i + 0.07), kernels.map((_, i) => i + 0.93), {
    hatched: wide, outlined: wide, column: true, tell: (look, kernel, moved) => layerLines(network, traffic, kernel, look.name, moved),
    click: (look, kernel) => pick(network, "layer", kernel),
  });
  const sums = cells.map((cell) => cell.flat().reduce((a, b) => a + b));
  const heaviest = sums.indexOf(Math.max(...sums)), most = axisOf(network, MOST_PER_LAYER) * 1.04;
  return {
    label: `${network.label}, traffic of each layer. The heaviest is ${kernels[heaviest]} with ${formatBytes(sums[heaviest])}.`,
    height: printing ? 150 : 250, marks, edges: stageEdges(network), spots: markedKernels(network), zooms: true, margin: { b: 30 },
    x: stageAxis(network), y: { range: [0, most], ticks: byteTicks(most, 4), title: "DRAM traffic" },
  };
}

function layerLines(network, traffic, kernel, name, bytes) {
  const fused = network.kernels.layers[kernel];
  const head = `${clip(network.kernels.name[kernel])} (${network.kernels.op[kernel]}${fused > 1 ? `, ${fused} layers in one` : ""})`;
  return [head, `${name}: ${exact(bytes)}`, ...tensorLines(network, traffic, kernel)];
}

/** The tensors that weigh most in a layer's traffic, with producer and last reader. */
function tensorLines(network, traffic, kernel) {
  const { groups } = traffic.curve, sums = new Map();
  const [begin, end] = network.spans[kernel];
  for (let i = begin; i < end; i += 1) {
    if (traffic.sums[i]) {
      sums.set(groups.tensor[i], (sums.get(groups.tensor[i]) ?? 0) + traffic.sums[i]);
    }
  }
  const heavy = [...sums].sort((a, b) => b[1] - a[1]);
  const lines = heavy.slice(0, 3).map(([tensor, bytes]) => `\u2003${formatBytes(bytes)} of ${tensorText(network, tensor)}`);
  return ["this layer in all:", ...lines, ...(heavy.length > 3 ? [`\u2003and of ${heavy.length - 3} more tensors`] : [])];
}

function tensorText(network, tensor) {
  const { name, bytes, producer } = network.tensors, from = producer[tensor], last = network.lastReader[tensor];
  const facts = [from >= 0 ? `from ${clip(network.kernels.name[from], 30)}` : network.tensors.kind[tensor]];
  if (last !== undefined) facts.push(`last read by ${clip(network.kernels.name[last], 30)}`);
  return `${clip(name[tensor], 36)} (${formatBytes(bytes[tensor])}, ${facts.join(", ")})`;
}

/** The layers' numbers for a download: a row for each layer, a column for each role and cause. */
function layersCsv(network) {
  const traffic = state.traffic[network.number], sum = (numbers) => numbers.reduce((a, b) => a + b);
  const rows = network.kernels.name.map((name, kernel) => {
    const cell = traffic.layer(kernel), causes = CAUSES.map((_, cause) => sum(cell.map((row) => row[cause])));
    return [network.label, sizeShown(), name, network.kernels.op[kernel], ...cell.map(sum), ...causes, sum(causes)];
  });
  return { heads: ["network", "cache_bytes", "layer", "op", ...ROLES, ...CAUSES, "dram_bytes"], rows };
}

function layersTable(network) {
  const traffic = state.traffic[network.number];
  const rows = network.kernels.name.map((name, kernel) => {
    const cell = traffic.layer(kernel), sum = (numbers) => numbers.reduce((a, b) => a + b);
    const causes = CAUSES.map((_, cause) => sum(cell.map((row) => row[cause])));
    return [name, ...cell.map((row) => bytesOrDash(sum(row))), ...causes.map(bytesOrDash), bytesOrDash(sum(causes))];
  });
  rows.push(["total", ...traffic.byRole.map(bytesOrDash), ...traffic.byCause.map(bytesOrDash), bytesOrDash(traffic.total)]);
  const found = table(`${network.label}, bytes of each layer by role and by cause, cache ${exact(sizeShown())}`,
    ["layer", ...ROLES, ...CAUSES, "total"], rows, 1), marked = markedKernels(network);
  return pickable(found, network.kernels.name.length, "layer", network, (kernel) => kernel, (kernel) => marked.some(([begin, end]) => kernel >= begin && kernel < end));
}

/** A table that is built when its details are open, and again when the state changes. */
function lazyTable(title, concerns, build) {
  const box = make("div", { className: "scroll" }), details = make("details", {}, make("summary", {}, title), box);
  const show = (changes) => {
    if (!details.open) return;
    const at = box.contains(document.activeElement) ? document.activeElement.closest("tr").rowIndex : 0;
    box.replaceChildren(build());
    const row = box.querySelector(".picked-row");
    if (at) box.querySelector("table").rows[at].cells[0].focus();
    else if (row && "picked" in changes) box.scrollTop = row.offsetTop - box.clientHeight / 3;
  };
  details.addEventListener("toggle", () => show({ picked: true }));
  listeners.push((changes) => { if (concerns.some((name) => name in changes)) show(changes); });
  return details;
}

function setUpLayers() {
  if (COMPARING) $("same-axis").textContent = UNEVEN ? "Each network has its own axis: they differ too much for one." : "All networks have the same axis.";
  for (const network of NETWORKS) {
    const { kernel } = network.curve.groups;
    network.spans = network.kernels.name.map((_, k) => [countUpTo(kernel, k - 1), countUpTo(kernel, k)]);
    network.lastReader = {};
    network.maps.tensor.forEach((tensor, i) => { network.lastReader[tensor] = network.maps.dead[i]; });
    network.links = linksOf(network);
    network.kernels.stage = network.kernels.stages.flatMap(([, begin, end], i) => Array(end - begin).fill(i));
    const plot = make("div", { className: "plot", role: "img" });
    const graph = graphOf(network);
    $("plots-layers").append(make("figure", {}, make("h3", {}, network.label), ...graph.nodes, plot,
      lazyTable("Every layer as a table", ["cache", "picked"], () => layersTable(network))));
    if (graph.nodes.length) graph.watch();
    addPlot(plot, ["cache", "split", "picked"], () => layersFigure(network, widthOf(plot)), {
      title: () => `${network.label}: ${trafficTitle(`of each layer, cache ${sizeText(sizeShown())}`)}`, csv: () => configured(layersCsv(network), true), legend: "legend-layers", tall: 250,
    });
  }
  listeners.push((changes) => {
    if ("split" in changes || "theme" in changes || "hidden" in changes) legend($("legend-layers"), state.split, false);
  });
}
