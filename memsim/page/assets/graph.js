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
  return found;
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

const BASE = 0.24, BAND = 0.1;

function graphFigure(network, width) {
  const { kernels } = network, count = kernels.name.length, arcs = arcsOf(network), { stages } = kernels;
  const [stays, goes] = DATA.looks.life.map(colour), accent = variable("--accent"), picked = pickedOf(network);
  const marked = markedKernels(network), here = (kernel) => marked.some(([begin, end]) => kernel >= begin && kernel < end);
  // A picked block is marked as a whole; its arcs keep their colours.
  const ink = (tensors) => (picked && picked.kind !== "block" && tensors.some((tensor) => isMarked(network, tensor)) ? accent : tensors.some((tensor) => goesOut(network, tensor)) ? goes : stays);
  const inks = arcs.map(({ tensors }) => ink(tensors)), isFolded = foldedIn(network);
  const own = [...kernels.name.keys()].filter((kernel) => !isFolded(kernels.stage[kernel]));
  const folded = [...stages.keys()].filter(isFolded), within = folded.map((stage) => insideOf(network, stage));
  const words = folded.map((stage, i) => `${within[i].length} links`), room = (i, [, begin, end]) => (end - begin) * width / count > 7 * words[i].length + 8;
  const goers = network.links.tensor.filter((tensor) => goesOut(network, tensor)).length;
  return {
    label: `${network.label}: a graph of ${count} kernels and ${network.links.from.length} links, ${folded.length} of ${stages.length} blocks folded; ${goers} of the links read what had been to DRAM.`,
    height: printing ? 120 : 170, zooms: true, margin: { t: 6, b: 28 }, x: stageAxis(network), y: { range: [0, 1], grid: false, title: "links" }, edges: stageEdges(network), spots: marked,
    marks: [
      {
        kind: "arcs", base: BASE, longest: Math.max(1, ...arcs.map(({ from, to }) => to - from)), from: arcs.map(({ from }) => from), to: arcs.map(({ to }) => to),
        inks, strong: inks.map((each) => each === accent), widths: arcs.map(({ tensors }) => 1.2 + 0.6 * Math.log2(tensors.length)),
        tell: (i) => arcLines(network, arcs[i]), click: (i) => (arcs[i].maps.length === 1 ? pick(network, "map", arcs[i].maps[0]) : pick(network, "block", kernels.stage[arcs[i].writer])),
      },
      {
        kind: "bars", left: own.map((i) => i + 0.12), right: own.map((i) => i + 0.88), low: own.map(() => BAND), high: own.map(() => BASE), column: true,
        inks: own.map((kernel) => (here(kernel) ? accent : variable("--quiet"))),
        tell: (i) => [`${clip(kernels.name[own[i]])} (${kernels.op[own[i]]})`, ...told(network, own[i])], click: (i) => pick(network, "layer", own[i]),
      },
      {
        kind: "bars", left: folded.map((i) => stages[i][1] + 0.12), right: folded.map((i) => stages[i][2] - 0.12), low: folded.map(() => BAND), high: folded.map(() => BASE),
        outlined: true, inks: within.map(ink), texts: folded.map((stage, i) => (room(i, stages[stage]) ? words[i] : null)), textInks: within.map((tensors) => variable(ink(tensors) === stays ? "--on-light" : "--on-accent")),
        tell: (i) => [...blockLines(network, folded[i]), `${words[i]} inside; select it to open it`], click: (i) => openBlock(network, folded[i], true),
      },
      {
        kind: "bars", left: stages.map(([, begin]) => begin + 0.1), right: stages.map(([, , end]) => end - 0.1), low: stages.map(() => 0), high: stages.map(() => 0.07),
        inks: stages.map((_, i) => (picked?.kind === "block" && picked.number === i ? accent : variable("--line"))),
        tell: (i) => blockLines(network, i), click: (i) => pick(network, "block", i),
      },
    ],
  };
}

const blockLines = (network, stage) => {
  const [name, begin, end] = network.kernels.stages[stage];
  return [name, `${end - begin} kernels`, `${exact(blockBytes(network, stage))} of DRAM traffic`];
};

function arcLines(network, { maps, tensors, writer, reader, end }) {
  const { name, stages, stage } = network.kernels, isFolded = foldedIn(network), place = (kernel) => (isFolded(stage[kernel]) ? stages[stage[kernel]][0] : clip(name[kernel]));
  const out = maps.filter((tensor) => goesOut(network, tensor)).length;
  if (maps.length === 1) return [tensorText(network, maps[0]), `read by ${place(reader)}${tensors.length > 1 ? `, ${tensors.length} times` : ""}`, ...(out ? ["goes to DRAM and back, at least in part"] : [])];
  const bytes = maps.reduce((sum, tensor) => sum + network.tensors.bytes[tensor], 0);
  return [`${maps.length} feature maps of ${place(writer)}`, `${formatBytes(bytes)}, read by ${place(reader)}`, out ? `${out} of them go to DRAM and back, at least in part` : "all stay on chip"];
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
  if (kind === "block") return `${blockLines(network, number).join(", ").replace(",", ":")}.`;
  const moved = state.whole[network.number].tensor(number);
  return `${tensorText(network, number)}: ${exact(moved[SPILL])} written back, ${exact(moved[RELOAD])} read again.`;
}

function graphCsv(network) {
  const { from, to, tensor } = network.links, { kernels, tensors } = network;
  return { heads: ["network", "feature_map", "bytes", "written_by", "read_by"], rows: from.map((_, i) => [network.label, tensors.name[tensor[i]], tensors.bytes[tensor[i]], kernels.name[from[i]], kernels.name[to[i]]]) };
}

/** The graph of a network, the line that says what is picked, and what can be done with it. */
function graphOf(network) {
  const plot = make("div", { className: "plot graph", role: "img" }), said = make("p", { className: "picked" });
  const words = make("span", {}), act = (text, does) => { const button = make("button", { type: "button", className: "tool" }, text); button.addEventListener("click", does); return button; };
  const clear = act("put down", () => change({ picked: null })), fold = act("fold it", () => openBlock(network, state.picked.number, false)), open = act("open it", () => openBlock(network, state.picked.number, true));
  const all = act("", () => openAll(network)), choice = make("select", {}, make("option", { value: "" }, "Pick a block"), ...network.kernels.stages.map(([name], i) => make("option", { value: i }, name)));
  words.setAttribute("aria-live", "polite");
  choice.setAttribute("aria-label", `Pick a block of ${network.label}`);
  choice.addEventListener("change", () => { if (choice.value || pickedOf(network)) change({ picked: choice.value ? { network: network.number, kind: "block", number: Number(choice.value) } : null }); });
  said.append(words, choice, open, fold, clear, all);
  listeners.push((changes) => {
    if (!("picked" in changes || "cache" in changes || "open" in changes)) return;
    const picked = pickedOf(network), block = picked?.kind === "block" ? picked.number : null, can = block !== null && canFold(network, block), isFolded = foldedIn(network);
    words.textContent = picked ? pickedText(network) : "Select a layer, an arc or a block: every chart and table then marks it.";
    choice.value = block ?? "";
    clear.hidden = !picked;
    open.hidden = !can || !isFolded(block);
    fold.hidden = !can || isFolded(block);
    all.hidden = !network.kernels.stages.some((_, stage) => canFold(network, stage));
    all.textContent = network.kernels.stages.some((_, stage) => isFolded(stage)) ? "open all blocks" : "fold all blocks";
  });
  return { nodes: network.links.from.length ? [plot, said] : [], watch: () => { network.graph = addPlot(plot, ["cache", "picked", "open"], () => graphFigure(network, widthOf(plot)), {
    title: () => `${network.label}: the graph, cache ${sizeText(sizeShown())}${variantWords()}`, csv: () => configured(graphCsv(network)), legend: "legend-lives", tall: 170,
  }); } };
}

/** Rows of a table that can be picked, by keyboard as well; `marked(i)` are those that are. */
function pickable(found, count, kind, network, numberOf, marked) {
  const rows = [...found.tBodies[0].rows].slice(0, count), first = Math.max(rows.findIndex((_, i) => marked(i)), 0);
  rows.forEach((row, i) => {
    row.classList.toggle("picked-row", marked(i));
    row.cells[0].tabIndex = i === first ? 0 : -1;  // one stop for the table; arrow keys go from row to row
    row.addEventListener("click", () => pick(network, kind, numberOf(i)));
    row.addEventListener("keydown", (event) => {
      const next = { ArrowDown: rows[i + 1], ArrowUp: rows[i - 1], Home: rows[0], End: rows.at(-1) }[event.key];
      if (next) next.cells[0].focus(); else if (event.key === "Enter" || event.key === " ") row.click(); else return;
      event.preventDefault();
    });
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
