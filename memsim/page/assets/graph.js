// The graph: kernels in their order, an arc from each that writes a feature map to each that reads it,
// blocks below; and what is picked, a layer, a feature map or a block, which every chart then marks.

/** Who reads which feature map: the curve has a row for each read that a cache can save. */
function linksOf(network) {
  const { kernel, tensor, role, move } = network.curves.all.groups, found = { from: [], to: [], tensor: [] }, seen = new Set();
  for (let i = 0; i < kernel.length; i += 1) {
    const from = network.tensors.producer[tensor[i]];
    if (role[i] === WEIGHT || move[i] >= READ_MOVES || from < 0 || from === kernel[i]) continue;
    const key = `${tensor[i]} ${kernel[i]}`;
    if (seen.has(key)) continue;  // fetched and fetched again are two rows
    seen.add(key);
    found.from.push(from);
    found.to.push(kernel[i]);
    found.tensor.push(tensor[i]);
  }
  return { ...found, longest: found.to.reduce((most, each, i) => Math.max(most, each - found.from[i]), 1) };
}

/** Pick something of a network, or put it down again where it is picked already. */
function pick(network, kind, number) {
  const { picked } = state, same = picked && picked.network === network.number && picked.kind === kind && picked.number === number;
  change({ picked: same ? null : { network: network.number, kind, number } });
}

const pickedOf = (network) => (state.picked?.network === network.number ? state.picked : null);

/** The kernels that a chart marks: those picked, the writer and the readers of a feature map. */
function markedKernels(network) {
  const picked = pickedOf(network), { stages } = network.kernels;
  if (!picked) return [];
  if (picked.kind === "layer") return [[picked.number, picked.number + 1]];
  if (picked.kind === "block") return [stages[picked.number].slice(1)];
  const { from, to, tensor } = network.links, writer = network.tensors.producer[picked.number];
  const readers = to.filter((_, i) => tensor[i] === picked.number);
  return [...(writer >= 0 ? [writer] : []), ...readers].map((kernel) => [kernel, kernel + 1]);
}

/** Whether a feature map is marked: it is picked, or written by what is picked. */
function isMarked(network, tensor) {
  const picked = pickedOf(network);
  if (!picked) return false;
  if (picked.kind === "map") return tensor === picked.number;
  const writer = network.tensors.producer[tensor];
  return markedKernels(network).some(([begin, end]) => writer >= begin && writer < end);
}

const BASE = 0.2;

function graphFigure(network) {
  const { links, kernels } = network, count = kernels.name.length, traffic = state.whole[network.number];
  const [stays, goes] = DATA.looks.life.map(colour), accent = variable("--accent");
  const inks = links.tensor.map((tensor) => {
    if (isMarked(network, tensor)) return accent;
    const moved = traffic.tensor(tensor);
    return moved[RELOAD] + moved[SPILL] ? goes : stays;
  });
  const marked = markedKernels(network), here = (kernel) => marked.some(([begin, end]) => kernel >= begin && kernel < end);
  const all = [...kernels.name.keys()];
  return {
    label: `${network.label}: a graph of ${count} kernels and ${links.from.length} links; ${inks.filter((ink) => ink === goes).length} of the links read what had been to DRAM.`,
    height: 170, zooms: true, margin: { t: 6, b: 28 }, x: stageAxis(network), y: { range: [0, 1], grid: false, title: "links" }, edges: stageEdges(network), spots: marked,
    marks: [
      {
        kind: "arcs", base: BASE, longest: links.longest, from: links.from.map((each) => each + 0.5), to: links.to.map((each) => each + 0.5), inks, strong: inks.map((ink) => ink === accent),
        tell: (i) => [tensorText(network, links.tensor[i]), `read by ${clip(kernels.name[links.to[i]])}`, inks[i] === goes ? "goes to DRAM and back, at least in part" : ""].filter(Boolean),
        click: (i) => pick(network, "map", links.tensor[i]),
      },
      {
        kind: "bars", left: all.map((i) => i + 0.12), right: all.map((i) => i + 0.88), low: all.map(() => BASE - 0.09), high: all.map(() => BASE), column: true,
        inks: all.map((kernel) => (here(kernel) ? accent : variable("--quiet"))),
        tell: (i) => [`${clip(kernels.name[i])} (${kernels.op[i]})`, ...told(network, i)], click: (i) => pick(network, "layer", i),
      },
      {
        kind: "bars", left: kernels.stages.map(([, begin]) => begin + 0.1), right: kernels.stages.map(([, , end]) => end - 0.1),
        low: kernels.stages.map(() => 0), high: kernels.stages.map(() => 0.07), inks: kernels.stages.map((_, i) => {
          const own = pickedOf(network);
          return own?.kind === "block" && own.number === i ? accent : variable("--line");
        }),
        tell: (i) => [kernels.stages[i][0], `${kernels.stages[i][2] - kernels.stages[i][1]} kernels`, `${exact(blockBytes(network, i))} of DRAM traffic`],
        click: (i) => pick(network, "block", i),
      },
    ],
  };
}

const layerBytes = (network, kernel) => state.traffic[network.number].layer(kernel).flat().reduce((a, b) => a + b);

function blockBytes(network, stage) {
  const [, begin, end] = network.kernels.stages[stage];
  let sum = 0;
  for (let kernel = begin; kernel < end; kernel += 1) sum += layerBytes(network, kernel);
  return sum;
}

/** What a kernel reads and who reads it, in words. */
function told(network, kernel) {
  const { from, to, tensor } = network.links, { name } = network.kernels;
  const some = (found) => { const all = [...new Set(found)].map((each) => clip(name[each], 28)); return all.slice(0, 4).join(", ") + (all.length > 4 ? ` and ${all.length - 4} more` : ""); };
  const before = from.filter((_, i) => to[i] === kernel), after = to.filter((_, i) => from[i] === kernel);
  return [`${exact(layerBytes(network, kernel))} of DRAM traffic`, ...(before.length ? [`reads from ${some(before)}`] : []), ...(after.length ? [`read by ${some(after)}`] : [])];
}

/** What is picked, in words. */
function pickedText(network) {
  const { kind, number } = pickedOf(network), { name, op, stages } = network.kernels;
  if (kind === "layer") return `${name[number]} (${op[number]}): ${told(network, number).join("; ")}.`;
  if (kind === "block") return `${stages[number][0]}: ${stages[number][2] - stages[number][1]} kernels, ${exact(blockBytes(network, number))} of DRAM traffic.`;
  const moved = state.whole[network.number].tensor(number);
  return `${tensorText(network, number)}: ${exact(moved[SPILL])} written back, ${exact(moved[RELOAD])} read again.`;
}

function graphCsv(network) {
  const { from, to, tensor } = network.links, { kernels, tensors } = network;
  return { heads: ["network", "feature_map", "bytes", "written_by", "read_by"], rows: from.map((_, i) => [network.label, tensors.name[tensor[i]], tensors.bytes[tensor[i]], kernels.name[from[i]], kernels.name[to[i]]]) };
}

/** The graph of a network, and the line that says what is picked. */
function graphOf(network) {
  const plot = make("div", { className: "plot graph", role: "img" }), said = make("p", { className: "picked" });
  said.setAttribute("aria-live", "polite");
  listeners.push((changes) => {
    if (!("picked" in changes || "cache" in changes)) return;
    const clear = make("button", { type: "button", className: "tool" }, "put down");
    clear.addEventListener("click", () => change({ picked: null }));
    said.replaceChildren(...(pickedOf(network) ? [pickedText(network), " ", clear] : ["Select a layer, an arc or a block: every chart and table then marks it."]));
  });
  return { nodes: network.links.from.length ? [plot, said] : [], watch: () => addPlot(plot, ["cache", "picked"], () => graphFigure(network), {
    title: () => `${network.label}: the graph, cache ${sizeText(state.cache)}`, csv: () => graphCsv(network), legend: "legend-lives",
  }) };
}

/** Rows of a table that can be picked; `marked(i)` are those that are. */
function pickable(found, count, kind, network, numberOf, marked) {
  [...found.tBodies[0].rows].slice(0, count).forEach((row, i) => {
    row.classList.toggle("picked-row", marked(i));
    row.addEventListener("click", () => pick(network, kind, numberOf(i)));
  });
  return found;
}

/** What an address says is picked: its network, kind and name, with a colon between. */
function pickedIn(text) {
  const [, place, kind, name] = /^(\d+):(layer|map|block):(.*)$/.exec(text ?? "") ?? [];
  const network = NETWORKS[place];
  if (!network) return null;
  const names = { layer: network.kernels.name, map: network.tensors.name, block: network.kernels.stages.map(([each]) => each) }[kind];
  const number = names.indexOf(name);
  return number < 0 ? null : { network: network.number, kind, number };
}

function pickedEntry() {
  if (!state.picked) return "";
  const { network, kind, number } = state.picked, { kernels, tensors } = NETWORKS[network];
  return `${network}:${kind}:${{ layer: kernels.name, map: tensors.name, block: kernels.stages.map(([name]) => name) }[kind][number]}`;
}
