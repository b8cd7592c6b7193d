// The numbers: the summary, the cards, the tables of roles and causes, of knees, side by side.

function setUpNumbers() {
  $("side").hidden = !COMPARING;
  $("table-side").classList.toggle("many", NETWORKS.length > 3);
  showKnees();
  let timer = 0;
  listeners.push((changes) => {
    if ("theme" in changes || "part" in changes) $("cards").replaceChildren(...NETWORKS.map(card));
    if ("part" in changes) showKnees();
    if ("part" in changes || "picked" in changes) markPickedKnees();
    NETWORKS.forEach(fillCard);
    if (!("cache" in changes || "rate" in changes || "macs" in changes)) return;
    showTables();
    markKnees();
    clearTimeout(timer);  // a screen reader hears where the slider stops, not every position
    timer = setTimeout(summarize, 250);
  });
}

/** A network's name for a narrow column; the whole of it where the pointer rests. */
const shortLabel = ({ label }) => make("span", { title: label }, clip(label, 26));

function summarize() {
  $("summary").textContent = sentence();
}

const PARTS_SAID = { all: "all", maps: "feature-maps", weights: "weights" };  // as --only has them
const PART_WORDS = { all: "", maps: " of feature maps", weights: " of weights", "feature-maps": " of feature maps" };

function sentence() {
  const parts = NETWORKS.map((network) => {
    const traffic = state.traffic[network.number];
    return `${network.label} moves ${formatBytes(traffic.total)}${PART_WORDS[DATA.only ?? state.part]} (${times(traffic.total, network.curve.compulsory)} compulsory) in ${formatTime(latency(network))}`;
  });
  const cache = state.cache ? `a cache of ${sizeText(state.cache)}` : "no cache";
  const grid = onGrid() ? "" : SIMULATED.length
    ? ` These are the numbers of a cache of ${sizeText(sizeShown())}, the ${sizeShown() > state.cache ? "smallest" : "nearest smaller one"} that was simulated.`
    : ` The times are those of a cache of ${sizeText(gridSize())}, the nearest that was computed.`;
  return `With ${cache} and ${GRID.rates[state.rate]}${state.macs === GRID.own_macs ? "" : ` and ${GRID.mac_texts[state.macs]}`}, ${parts.join("; ")}.${grid}`;
}

// ---- cards

function card(network) {
  const mark = make("span", { className: "mark" }, stroke(network.look));
  const entry = (name, key) => make("div", {}, make("dt", {}, name), make("dd", { "data-fact": key }));
  return make("article", { className: "card", "data-network": network.label, "aria-label": network.label },
    make("h2", {}, mark, network.label),
    make("p", { className: "hint", title: network.source ?? "" },
      `${network.input} ${network.dtype}, ${formatCount(network.macs)} MACs, ${formatCount(network.params)} parameters`),
    make("p", { className: "headline" }, make("strong", { "data-fact": "total" }), make("span", {}, `DRAM traffic${PART_WORDS[DATA.only ?? state.part]}`)),
    make("div", { className: "meter", "aria-hidden": "true" }, make("i"), make("i")),
    make("p", { className: "hint", "data-fact": "meter" }),
    make("dl", {}, entry("exactly", "exact"), entry("read", "read"), entry("written", "write"),
      ...(DATA.only ? [] : [entry("weights", "weights"), entry("feature maps", "maps")]),
      entry("compulsory", "compulsory"), entry("traffic / compulsory", "ratio"), entry("latency", "latency"),
      entry("frames per second", "frames"), entry("energy", "energy")));
}

function fillCard(network) {
  const element = $("cards").children[network.number], traffic = state.traffic[network.number];
  const { compulsory } = network.curve, free = network.free || 1, whole = state.whole[network.number];
  const put = (key, text) => { const found = element.querySelector(`[data-fact=${key}]`); if (found) found.textContent = text; };
  put("total", formatBytes(traffic.total));
  put("exact", `${exact(traffic.total)}${isShownItself() ? "" : ` (at ${sizeText(sizeShown())})`}`);
  put("read", exact(traffic.read));
  put("write", exact(traffic.write));
  put("weights", exact(whole.byRole[WEIGHT]));
  put("maps", exact(whole.total - whole.byRole[WEIGHT]));
  put("compulsory", exact(compulsory));
  put("ratio", times(traffic.total, compulsory));
  put("latency", `${formatTime(latency(network))}${onGrid() ? "" : ` (at ${sizeText(gridSize())})`}`);
  put("frames", framesText(network));
  put("energy", energyText(network));
  put("meter", `${formatBytes(Math.max(traffic.total - compulsory, 0))} above compulsory; ${AT_FIRST} ${formatBytes(network.free)}`);
  const [floor, above] = element.querySelectorAll(".meter i");
  floor.style.width = `${100 * Math.min(compulsory, traffic.total) / free}%`;
  above.style.width = `${100 * Math.max(traffic.total - compulsory, 0) / free}%`;
}

const framesPerSecond = (network) => 1e12 / latency(network);
const framesText = (network) => `${Number(framesPerSecond(network).toPrecision(3))}`;

/** Joules as the command line writes them. */
function joulesText(joules) {
  const [unit, scale] = [["J", 1], ["mJ", 1e-3], ["uJ", 1e-6], ["nJ", 1e-9]].find(([, each]) => joules >= each) ?? ["pJ", 1e-12];
  return `${Number((joules / scale).toPrecision(3))} ${unit}`;
}

const energyText = (network) => (energy(network) === null ? `not known of ${DATA.machine.name}` : joulesText(energy(network)));

const gridSize = () => GRID.capacities[nearestCapacity()];
const onGrid = () => gridSize() === state.cache;

// ---- tables

function showTables() {
  $("table-what").replaceChildren(...NETWORKS.map((network) => {
    const traffic = state.traffic[network.number];
    const rows = ROLES.map((role, r) => [role, ...traffic.table[r].map(bytesOrDash), bytesOrDash(traffic.byRole[r])])
      .filter((_, r) => traffic.byRole[r]);
    rows.push(["total", ...traffic.byCause.map(bytesOrDash), bytesOrDash(traffic.total)]);
    return make("div", { className: "scroll" }, table(`${network.label}, bytes`, ["role", ...CAUSES, "total"], rows, 1));
  }));
  if (COMPARING) showSideBySide();
}

function showSideBySide() {
  const now = (pick) => (network) => pick(state.traffic[network.number]);
  const lines = [
    ["MACs", (n) => n.macs, formatCount], ["parameters", (n) => n.params, formatCount],
    ["CIO, elements", (n) => n.cio, formatCount],
    ["feature maps live at once, at most", (n) => n.live_bytes, formatBytes],
    ["compulsory traffic", (n) => n.curve.compulsory, formatBytes],
    [`traffic ${AT_FIRST}`, (n) => n.free, formatBytes],
    ["traffic now", now((t) => t.total), formatBytes],
    ["read", now((t) => t.read), formatBytes], ["written", now((t) => t.write), formatBytes],
    ...(DATA.only ? [] : [["weights", now((t) => t.byRole[WEIGHT]), formatBytes], ["feature maps", now((t) => t.total - t.byRole[WEIGHT]), formatBytes]]),
    ["spilled", now((t) => t.byCause[SPILL]), formatBytes],
    ["reloaded", now((t) => t.byCause[RELOAD]), formatBytes],
    [`latency${onGrid() ? "" : ` (at ${sizeText(gridSize())})`}`, (n) => latency(n), formatTime],
    ["frames per second", framesPerSecond, (value) => String(Number(value.toPrecision(3)))],
    ...(NETWORKS.every((n) => energy(n) !== null) ? [["energy", energy, joulesText]] : []),
  ];
  const rows = lines.map(([name, pick, format]) => [name, ...NETWORKS.map((network, i) => {
    const value = pick(network), first = pick(NETWORKS[0]);
    if (!i) return format(value);
    return make("span", {}, format(value), make("small", {}, first ? times(value, first) : ""));
  })]);
  $("table-side").replaceChildren(
    table(`Cache ${sizeText(sizeShown())}, ${GRID.rates[state.rate]}, ${GRID.mac_texts[state.macs]}`, ["", ...NETWORKS.map(shortLabel)], rows));
}

// ---- knees

function showKnees() {
  const rows = NETWORKS.flatMap((network) => network.knees.map((knee) => {
    const button = make("button", { type: "button", className: "knee", "data-cache": knee.cache }, exact(knee.cache));
    button.addEventListener("click", () => change({ cache: knee.cache }));
    const [tensor, layer, saves, bytes] = knee.shares[0];
    const what = saves === "read" ? `that ${clip(layer)} need not fetch` : "that need not be written back";
    const others = knee.parts > 1 ? `; and ${knee.parts - 1} more parts` : "";
    return [button, ...(COMPARING ? [shortLabel(network)] : []), formatBytes(knee.read + knee.write), formatBytes(knee.left),
      make("span", {}, `${formatBytes(bytes)} of `, pickButton(network, tensor), ` ${what}${others}`)];
  }));
  const heads = ["Cache from", ...(COMPARING ? ["network"] : []), "saves", "leaves", "what no longer moves"];
  const found = table("Knees of the curve; a button sets the cache to the knee", heads, rows);
  found.classList.add("words");
  $("knees").replaceChildren(rows.length ? found : make("p", {}, state.part === "all" ? "Traffic is the same at every size." : "Knees are those of all traffic."));
}

/** A feature map's name; a click marks it in every chart and table. */
function pickButton(network, tensor) {
  const number = network.tensors.name.indexOf(tensor), button = make("button", { type: "button", className: "name-of", title: tensor }, make("code", {}, clip(tensor)));
  button.addEventListener("click", () => pick(network, "map", number));
  return button;
}

/** Mark the knees at which what is picked begins to fit. */
function markPickedKnees() {
  const knees = NETWORKS.flatMap((network) => network.knees.map(({ shares }) => shares.some(([tensor]) => isMarked(network, network.tensors.name.indexOf(tensor)))));
  [...$("knees").querySelectorAll("tbody tr")].forEach((row, i) => row.classList.toggle("picked-row", knees[i]));
}

function markKnees() {
  for (const button of document.querySelectorAll(".knee")) {
    const size = Number(button.dataset.cache);
    button.setAttribute("aria-pressed", String(size === state.cache));
    button.closest("tr").classList.toggle("reached", size <= state.cache);
  }
}
