// The page: controls, what they change, and the address that keeps it.

const $ = (id) => document.getElementById(id);
const DARK = matchMedia("(prefers-color-scheme: dark)");
let spec, kept = null, cache = FACTS.cache, picked = null, focused = 0, theme = null;
let result, keptResult, reach, drawn, back, later, refused = "";

globalThis.memsimPlayground = {
  /** All facts of a block that is written as in the address, for tests and for the console. */
  evaluate(text, sizes = []) {
    const asked = read(text), found = evaluate(asked, FACTS);
    const { macs, params, cio, live, steps, peak, widths, compulsory } = found;
    return { macs, params, cio, live, steps, peak, widths, compulsory, yaml: yamlOf(asked, found),
      tile: asked.tile, address: written(asked), at: sizes.map((size) => trafficAt(found, size)) };
  },
  /** Channels of layers 1, 2, 4, 8, ... of a block. */
  widths(text) {
    const { widths } = blockOf(read(text), FACTS.patterns);
    return widths.filter((_, layer) => layer && !(layer & (layer - 1)));
  },
};

function update(next) {
  const before = spec;
  if (next) spec = next;
  try { result = evaluate(spec, FACTS); } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The block before it stays; as the page opens that is the first one.
    spec = before || firstSpec();
    if (!before) result = evaluate(spec, FACTS);
    refused = `Not that large: ${error.message}.`;
    tell(refused);
  }
  if (picked !== null && picked > spec.layers) picked = null;
  focused = Math.min(focused, spec.layers);
  reach = reachOf([result, ...(keptResult ? [keptResult] : [])], cache);
  show();
}

function show() {
  showControls();
  showCards();
  const table = trafficAt(result, cache);
  drawn = drawLinks($("links"), spec, result, picked);
  $("links").querySelector(`[data-layer="${focused}"]`).setAttribute("tabindex", "0");
  drawLives($("lives"), result);
  drawLive($("live"), result, cache);
  drawTraffic($("traffic"), result, table);
  $("beside").hidden = !kept;
  if (kept) drawKept($("kept-links"), keptResult);
  if (kept) $("beside-said").textContent = `${kept.pattern}${byHand(kept) ? " by hand" : ""}, ${kept.layers} layers, growth ${kept.growth}`;
  back = drawCurve($("curve"), result, keptResult, cache, reach);
  const far = result.links.flatMap((sources, to) => sources.filter((from) => to - from > 1)).length;
  $("links-said").textContent = `${result.links.flat().length} links, ${far} of them shortcuts`;
  $("live-said").textContent = `at most ${bytesSaid(result.peak)} of feature maps`;
  $("yaml").textContent = yamlOf(spec, result);
  // An option stays on a line with its value.
  $("command").innerHTML = commandOf(spec, cache).replace(/--\S+ \S+/g, "<span>$&</span>");
  const old = keptResult ? `, kept ${bytesSaid(dramAt(keptResult.steps, cache))}` : "";
  $("curve-said").textContent = `${bytesSaid(dramAt(result.steps, cache))}${old} at ${bytesSaid(cache)}`;
  $("assumed").textContent = `Equal to the byte: one image in fp32, a cold cache, ${FACTS.lowering} (concats are read `
    + `where they lie), layer by layer, ${spec.tile === "whole" ? "a task per layer" : `tiles for buffers of ${exact(FACTS.buffer)} B`}, `
    + "LRU, the dead dropped.";
  // Browsers bear no new address at every step of a slider.
  clearTimeout(later);
  later = setTimeout(remember, 200);
}

/** Put the state into the address. */
function remember() {
  const more = [`c=${cache}`, ...(theme ? [`d=${theme === "dark" ? 1 : 0}`] : []), ...(kept ? [`vs=${encodeURIComponent(written(kept))}`] : [])];
  history.replaceState(null, "", `#${[written(spec), ...more].join("&")}`);
}

function recall() {
  const text = location.hash.slice(1), said = new Map(text.split("&").map((pair) => pair.split("=")));
  const size = Number(said.get("c"));
  if (said.has("c") && Number.isFinite(size)) cache = Math.round(fitted(size, LIMITS.cache));
  if (said.has("d")) theme = said.get("d") === "1" ? "dark" : "light";
  kept = null;
  keptResult = null;
  try {
    if (said.has("vs")) kept = read(decodeURIComponent(said.get("vs")));
    keptResult = kept && evaluate(kept, FACTS);
  } catch { kept = null; /* an address that was cut, or a block that is too large */ }
  picked = null;
  showTheme();
  update(read(text));
}

function showCards() {
  const moved = dramAt(result.steps, cache), times = (a, b) => `${(a / b).toFixed(2)} x`;
  const old = keptResult && dramAt(keptResult.steps, cache);
  const cards = [
    ["DRAM traffic", bytesSaid(moved), `${times(moved, result.compulsory)} compulsory`, old && bytesSaid(old), exact(moved)],
    ["Compulsory", bytesSaid(result.compulsory), "", keptResult && bytesSaid(keptResult.compulsory), exact(result.compulsory)],
    ["Peak live bytes", bytesSaid(result.peak), "", keptResult && bytesSaid(keptResult.peak), exact(result.peak)],
    ["MACs", countSaid(result.macs), "", keptResult && countSaid(keptResult.macs), exact(result.macs)],
    ["Parameters", countSaid(result.params), "", keptResult && countSaid(keptResult.params), exact(result.params)],
    ["CIO", countSaid(result.cio), "", keptResult && countSaid(keptResult.cio), exact(result.cio)],
  ];
  $("cards").innerHTML = cards.map(([name, value, note, other, whole]) =>
    `<div title="${whole}"><dt>${name}</dt><dd data-exact="${whole}">${value}<small class="${other ? "kept" : ""}">${other ? `kept: ${other}` : note}</small></dd></div>`).join("");
}

function showControls() {
  const said = { layers: spec.layers, growth: spec.growth, multiplier: spec.multiplier.toFixed(2), channels: spec.input[0],
    side: spec.input[1] === spec.input[2] ? `${spec.input[1]} x ${spec.input[1]}` : `${spec.input[1]} x ${spec.input[2]}` };
  const values = { layers: spec.layers, growth: spec.growth, multiplier: spec.multiplier, channels: spec.input[0], side: spec.input[1] };
  for (const name of Object.keys(values)) { $(name).value = values[name]; $(`${name}-said`).textContent = said[name]; }
  const widens = FACTS.patterns[spec.pattern].doublings[1] !== null;
  $("multiplier").disabled = !widens;
  $("multiplier").parentElement.classList.toggle("idle", !widens);
  for (const name of ["pattern", "kernel", "tile"])
    for (const button of $(name).children) button.setAttribute("aria-pressed", String(button.value === String(spec[name])));
  for (const button of $("blocks").querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(written(spec) === written(firstSpec(button.value))));
  $("hand").textContent = refused || (byHand(spec) ? "Drawn by hand." : "");
  refused = "";
  $("undo").disabled = !byHand(spec);
  $("cache").value = Math.round(1000 * (Math.log10(Math.max(cache, 10 ** reach.low)) - reach.low) / (reach.high - reach.low));
  $("cache").setAttribute("aria-valuetext", bytesSaid(cache));
  $("cache-said").textContent = `${exact(cache)} B`;
  $("keep").textContent = kept ? "Drop the kept block" : "Keep to compare";
}

/** A cache size with three figures, so that a command can be typed. */
function setCache(size) {
  cache = Math.round(Number(fitted(size, LIMITS.cache).toPrecision(3)));
  show();
}

function tell(text) { $("status").textContent = text; }

function toggle(a, b) {
  const from = Math.min(a, b), to = Math.max(a, b), next = withLink(spec, from, to);
  picked = null;
  if (!next) refused = `Layer ${to} has to read something.`;
  const reads = next && linksOf(next)[to].includes(from);
  tell(refused || `layer ${to} ${reads ? "reads" : "no longer reads"} ${layerSaid(from)}`);
  update(next);
}

function pick(layer) {
  focused = layer;
  if (picked === null) { picked = layer; show(); } else if (picked === layer) { picked = null; show(); } else toggle(picked, layer);
  $("links").querySelector(`[data-layer="${focused}"]`).focus();
}

function leave(layer) {
  update(withLeaf(spec, layer));
  const leaves = result.leaves.includes(layer);
  tell(`${layerSaid(layer)} ${leaves ? "leaves the block" : "does not leave the block"}`);
}

function setUpSliders() {
  const setters = {
    layers: (value) => deeper(value),
    growth: (growth) => ({ ...spec, growth }),
    multiplier: (multiplier) => ({ ...spec, multiplier }),
    channels: (channels) => ({ ...spec, input: [channels, spec.input[1], spec.input[2]] }),
    side: (side) => ({ ...spec, input: [spec.input[0], side, side] }),
  };
  for (const [name, set] of Object.entries(setters)) {
    [$(name).min, $(name).max] = LIMITS[name];
    $(name).addEventListener("input", () => update(set(Number($(name).value))));
  }
  $("cache").addEventListener("input", () =>
    setCache(10 ** (reach.low + (reach.high - reach.low) * $("cache").value / 1000)));
}

/** Another depth: links drawn by hand stay, new layers have the pattern's. */
function deeper(layers) {
  const links = spec.links && [...spec.links.slice(0, layers + 1)];
  for (let layer = spec.layers + 1; links && layer <= layers; layer++) links.push([...FACTS.patterns[spec.pattern].links[layer]]);
  return settled({ ...spec, layers, links, leaves: null });
}

function setUpChoices() {
  const choices = (id, values, set) => {
    $(id).innerHTML = values.map((value) => `<button type="button" value="${value}">${value}${id === "kernel" ? " x " + value : ""}</button>`).join("");
    $(id).addEventListener("click", ({ target }) => { if (target.value) update(set(target.value)); });
  };
  choices("pattern", PATTERNS, (pattern) => ({ ...spec, pattern, links: null, leaves: null }));
  choices("kernel", KERNELS, (kernel) => ({ ...spec, kernel: Number(kernel) }));
  choices("tile", TILES, (tile) => ({ ...spec, tile }));
  $("blocks").innerHTML = "<span>About equal MACs:</span>" + Object.entries(FACTS.blocks)
    .map(([name, block]) => `<button type="button" value="${name}">${block.from}</button>`).join("");
  $("blocks").addEventListener("click", ({ target }) => { if (target.value) { picked = null; update(firstSpec(target.value)); } });
  $("undo").addEventListener("click", () => update({ ...spec, links: null, leaves: null }));
  $("swap").addEventListener("click", () => {
    [spec, kept] = [kept, spec];
    picked = null;
    keptResult = evaluate(kept, FACTS);
    update();
  });
  $("keep").addEventListener("click", () => { kept = kept ? null : spec; keptResult = kept && result; update(); });
}

function setUpLinks() {
  const svg = $("links");
  let start = null;
  const layerAt = ({ target }) => { const node = target.closest && target.closest("[data-layer]"); return node ? Number(node.dataset.layer) : null; };
  svg.addEventListener("pointerdown", (event) => {
    start = layerAt(event);
    if (start === null) return;
    event.preventDefault();
    if (event.target.hasPointerCapture(event.pointerId)) event.target.releasePointerCapture(event.pointerId);  // a finger's goes on to other layers
  });
  svg.addEventListener("pointermove", (event) => {
    if (start === null || !event.buttons) return;
    const over = layerAt(event);
    const shown = over !== null && over !== start;
    $("drag").setAttribute("d", shown ? arc(drawn.columns, drawn.base, drawn.tallest, Math.min(start, over), Math.max(start, over)) : "");
  });
  svg.addEventListener("pointerup", (event) => {
    const end = layerAt(event), begin = start;
    start = null;
    if (begin !== null && end !== null) { if (begin === end) pick(end); else { focused = end; toggle(begin, end); } }
  });
  addEventListener("pointerup", () => { start = null; $("drag").setAttribute("d", ""); });
  svg.addEventListener("click", ({ target }) => {
    const leaf = target.closest("[data-leaf]");
    if (leaf) leave(Number(leaf.dataset.leaf));
    else if (target.dataset.from) toggle(Number(target.dataset.from), Number(target.dataset.to));
  });
  svg.addEventListener("keydown", (event) => {
    const go = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (go) { focused = fitted(focused + go, [0, spec.layers]); show(); }
    else if (event.key === "Enter" || event.key === " ") pick(focused);
    else if (event.key === "Escape") { picked = null; show(); }
    else if (event.key === "o") leave(focused);
    else return;
    event.preventDefault();
    svg.querySelector(`[data-layer="${focused}"]`).focus();
  });
}

function copied(text, button) {
  const area = document.createElement("textarea"), before = button.textContent;
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1200);
}

function showTheme() {
  const dark = theme ? theme === "dark" : DARK.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

setUpSliders();
setUpChoices();
setUpLinks();
$("curve").addEventListener("pointerdown", (event) => setCache(back(event.clientX - $("curve").getBoundingClientRect().left)));
$("curve").addEventListener("pointermove", (event) => { if (event.buttons) setCache(back(event.clientX - $("curve").getBoundingClientRect().left)); });
$("share").addEventListener("click", () => { remember(); copied(location.href, $("share")); });
$("copy-file").addEventListener("click", () => copied($("yaml").textContent, $("copy-file")));
$("copy-command").addEventListener("click", () => copied(commandOf(spec, cache), $("copy-command")));
$("theme").addEventListener("click", () => { theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; showTheme(); show(); });
DARK.addEventListener("change", showTheme);
addEventListener("resize", () => show());
whenEntered(() => {
  clearTimeout(later);
  recall();
});
recall();
document.documentElement.dataset.ready = "yes";
