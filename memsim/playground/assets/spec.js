// A block as the page holds it, and as the address holds it: #p=harmonic&n=16&k=16&m=1.7&...

const FACTS = factsIn("facts");
const LIMITS = {
  layers: [1, FACTS.layers], growth: [2, 96], multiplier: [1, 4], channels: [1, 512], side: [4, 128],
  cache: [0, 2 ** 40],
};
const PATTERNS = Object.keys(FACTS.patterns), KERNELS = [1, 3, 5], TILES = ["auto", "whole"];

const fitted = (value, [low, high]) => Math.min(high, Math.max(low, value));

function firstSpec(pattern = "harmonic") {
  const block = FACTS.blocks[pattern] || { growth: 32 };
  return { pattern, layers: 16, growth: block.growth, multiplier: 1.7, kernel: 3, input: [64, 56, 56],
    tile: "auto", links: null, leaves: null };
}

const byHand = (spec) => spec.links !== null || spec.leaves !== null;

/** The links that hold, of every layer: those of the pattern where none are drawn by hand. */
function linksOf(spec) {
  const rule = FACTS.patterns[spec.pattern];
  const links = [[]];
  for (let layer = 1; layer <= spec.layers; layer++)
    links.push([...((spec.links && spec.links[layer]) || rule.links[layer])]);
  return links;
}

/** The same block with a link more, or less; null where a layer would be left without any. */
function withLink(spec, from, to) {
  const links = linksOf(spec), read = links[to];
  const at = read.indexOf(from);
  if (at >= 0 && read.length === 1) return null;
  if (at >= 0) read.splice(at, 1);
  else read.push(from);
  const own = FACTS.patterns[spec.pattern].links[to];
  // What is put back as it was lies where it was: the order of a concat is part of the program.
  if (own.length === read.length && own.every((link) => read.includes(link))) links[to] = [...own];
  return settled({ ...spec, links });
}

/** The same block where a layer's output leaves it, or does not. */
function withLeaf(spec, layer) {
  const rule = FACTS.patterns[spec.pattern];
  const leaves = [...(spec.leaves || leavesOf(rule, spec.layers))], at = leaves.indexOf(layer);
  if (at >= 0) leaves.splice(at, 1);
  else leaves.push(layer);
  return settled({ ...spec, leaves: leaves.sort((a, b) => a - b) });
}

/** Nothing is drawn by hand where all is as the pattern has it. */
function settled(spec) {
  const rule = FACTS.patterns[spec.pattern], same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);
  let { links, leaves } = spec;
  if (links && links.every((read, layer) => same(read, layer ? rule.links[layer] : []))) links = null;
  if (leaves && leaves.length === leavesOf(rule, spec.layers).length
    && leavesOf(rule, spec.layers).every((leaf) => leaves.includes(leaf))) leaves = null;
  return { ...spec, links, leaves };
}

function written(spec) {
  const short = [["p", spec.pattern], ["n", spec.layers], ["k", spec.growth], ["m", spec.multiplier],
    ["w", spec.kernel], ["i", spec.input.join("x")], ["t", spec.tile]];
  if (spec.links) short.push(["l", spec.links.slice(1).map((read) => read.join(".")).join("_")]);
  if (spec.leaves) short.push(["o", spec.leaves.join(".")]);
  return short.map(([key, value]) => `${key}=${value}`).join("&");
}

/** A block from an address; what it does not say, or says wrongly, is as in the first one. */
function read(text) {
  const said = new Map(text.split("&").map((pair) => pair.split("=")));
  const chosen = (key, among, other) => (among.includes(said.get(key)) ? said.get(key) : other);
  const number = (key, limits, other) => {
    const value = said.has(key) ? Number(said.get(key)) : NaN;
    return Number.isFinite(value) ? fitted(value, limits) : other;
  };
  const spec = firstSpec(chosen("p", PATTERNS, "harmonic"));
  spec.layers = Math.round(number("n", LIMITS.layers, spec.layers));
  spec.growth = Math.round(number("k", LIMITS.growth, spec.growth));
  spec.multiplier = Math.round(number("m", LIMITS.multiplier, spec.multiplier) * 20) / 20;
  spec.kernel = KERNELS.includes(Number(said.get("w"))) ? Number(said.get("w")) : spec.kernel;
  spec.tile = chosen("t", TILES, spec.tile);
  const sizes = (said.get("i") || "").split("x").map(Number);
  if (sizes.length === 3 && sizes.every(Number.isInteger))
    spec.input = sizes.map((size, axis) => fitted(size, axis ? LIMITS.side : LIMITS.channels));
  const list = (part, below) => {
    const found = part === "" ? [] : part.split(".").map(Number);
    const known = found.every((link) => Number.isInteger(link) && link >= 0 && link < below);
    return known && new Set(found).size === found.length ? found : null;
  };
  if (said.has("l")) {
    const links = [[], ...said.get("l").split("_").map((part, at) => list(part, at + 1))];
    if (links.length === spec.layers + 1 && links.slice(1).every((each) => each && each.length)) spec.links = links;
  }
  if (said.has("o")) spec.leaves = list(said.get("o"), spec.layers + 1);
  return settled(spec);
}
