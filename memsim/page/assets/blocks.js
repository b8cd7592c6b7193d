// Blocks: folded into one node of the graph each, or open. Large networks begin folded, for hundreds
// of arcs say nothing; what leaves or enters a folded block is then one arc to each other node.

const MOST_ARCS = 120;  // a network of more links begins folded

/** Blocks that can be folded: those of more than one kernel, if the network has several blocks. */
function canFold(network, stage) {
  const { stages } = network.kernels, [, begin, end] = stages[stage];
  return stages.length > 1 && end - begin > 1;
}

const foldsAtFirst = (network) => network.links.from.length > MOST_ARCS;

/** The blocks of a network that are open. */
function openOf(network) {
  const { stages } = network.kernels;
  return state.open[network.number] ?? new Set(foldsAtFirst(network) ? [] : stages.keys());
}

/** Which blocks are folded, as a test of a block. */
function foldedIn(network) {
  const open = openOf(network);
  return (stage) => canFold(network, stage) && !open.has(stage);
}

function openBlock(network, stage, opens) {
  const open = new Set(openOf(network)), [, begin, end] = network.kernels.stages[stage], count = network.kernels.name.length;
  if (opens) open.add(stage); else open.delete(stage);
  const beside = Math.max(2, (end - begin) / 12);
  network.graph.zoom = opens && foldsAtFirst(network) ? [Math.max(begin - beside, 0), Math.min(end + beside, count)] : null;
  change({ open: { ...state.open, [network.number]: open }, picked: { network: network.number, kind: "block", number: stage } });
}

function openAll(network) {
  const isFolded = foldedIn(network), { stages } = network.kernels;
  network.graph.zoom = null;
  change({ open: { ...state.open, [network.number]: new Set(stages.some((_, stage) => isFolded(stage)) ? stages.keys() : []) } });
}

const goesOut = (network, tensor) => { const moved = state.whole[network.number].tensor(tensor); return moved[RELOAD] + moved[SPILL] > 0; };

/** The feature maps of the links inside a block, one for each link. */
function insideOf(network, stage) {
  const { from, to, tensor } = network.links, own = network.kernels.stage;
  return tensor.filter((_, i) => own[from[i]] === stage && own[to[i]] === stage);
}

/** The arcs between what is shown: `tensors` of each, one for each link, and its different `maps`. */
function arcsOf(network) {
  const { from, to, tensor } = network.links, { stages, stage } = network.kernels, isFolded = foldedIn(network), found = new Map();
  const place = (kernel) => (isFolded(stage[kernel]) ? (stages[stage[kernel]][1] + stages[stage[kernel]][2]) / 2 : kernel + 0.5);
  from.forEach((writer, i) => {
    const [begin, end] = [place(writer), place(to[i])];
    if (begin === end) return;  // inside a folded block
    const key = `${begin} ${end}`;
    if (!found.has(key)) found.set(key, { from: begin, to: end, writer, reader: to[i], tensors: [] });
    found.get(key).tensors.push(tensor[i]);
  });
  return [...found.values()].map((arc) => ({ ...arc, maps: [...new Set(arc.tensors)] }));
}

/** Which blocks are open, as an address tells it: `0:3.4` of network 0 blocks 3 and 4, `1:` none. */
function openEntry() {
  return Object.entries(state.open).map(([number, open]) => `${number}:${[...open].sort((a, b) => a - b).join(".")}`).join(",");
}

function openIn(text) {
  const found = {};
  for (const [, number, blocks] of (text ?? "").matchAll(/(\d+):([\d.]*)/g)) {
    const stages = NETWORKS[number]?.kernels.stages;
    if (stages) found[number] = new Set(blocks.split(".").filter(Boolean).map(Number).filter((block) => block < stages.length));
  }
  return found;
}
