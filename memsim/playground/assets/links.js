// The layers in a row and their links as arcs.

/** Where the columns are: the input, the layers, and the copy of an input that leaves. */
function columnsOf(svg, result) {
  const width = svg.clientWidth || 640, left = 46, right = 8;
  const count = result.widths.length + (result.kernels.length >= result.widths.length ? 1 : 0);
  const step = (width - left - right) / count;
  return { width, left, right, step, count, x: (column) => left + (column + 0.5) * step };
}

function arc(columns, base, tallest, from, to) {
  const a = columns.x(from), b = columns.x(to), most = (columns.count - 1) * columns.step / 2;
  const half = (b - a) / 2, height = tallest * Math.sqrt(half / Math.max(most, 1));
  return `M${a},${base}C${a + half * 0.35},${base - height * 1.33} ${b - half * 0.35},${base - height * 1.33} ${b},${base}`;
}

function drawLinks(svg, spec, result, picked) {
  const columns = columnsOf(svg, result), height = 224, base = 170, tallest = 152;
  const rule = FACTS.patterns[spec.pattern], parts = [], lit = [];
  const path = (from, to) => arc(columns, base, tallest, from, to);
  result.links.forEach((read, to) => {
    const own = to ? rule.links[to] : [];
    // What was taken from the pattern, where it is little enough to be told apart.
    const gone = own.filter((from) => !read.includes(from));
    for (const from of gone.length < 4 ? gone : []) parts.push(`<path class="link gone" d="${path(from, to)}"/>`);
    for (const from of read) {
      const kinds = [to - from === 1 ? "near" : "", own.includes(from) ? "" : "hand", to === picked || from === picked ? "lit" : ""];
      // Those of the layer that is picked lie over the others.
      const among = kinds[2] ? lit : parts;
      among.push(`<path class="grab" data-from="${from}" data-to="${to}" d="${path(from, to)}"><title>layer ${to} reads ${layerSaid(from)}; click to remove</title></path>`
        + `<path class="link ${kinds.join(" ")}" d="${path(from, to)}"/>`);
    }
  });
  parts.push(...lit);
  const widest = Math.max(...result.widths), small = Math.min(5, columns.step / 2.6);
  const names = Math.ceil(17 / columns.step), widths = Math.ceil(23 / columns.step);
  result.widths.forEach((channels, layer) => {
    const x = columns.x(layer), leaves = result.leaves.includes(layer);
    const kinds = [layer ? "" : "input", leaves ? "leaves" : "", layer === picked ? "picked" : ""];
    const radius = Math.min(3.5, columns.step / 3) + Math.max(Math.min(columns.step / 2 - 4.5, 6), 0) * Math.sqrt(channels / widest);
    const told = `${layerSaid(layer)}: ${channels} channels${layer ? `, reads ${result.links[layer].map(layerShort).join(", ")}` : ""}${leaves ? ", leaves the block" : ""}`;
    parts.push(`<g class="node ${kinds.join(" ")}" data-layer="${layer}" tabindex="-1" role="button" aria-pressed="${layer === picked}" aria-label="${told}">`
      + `<title>${told}</title><rect x="${x - columns.step / 2}" y="${base - 11}" width="${columns.step}" height="34" fill="transparent"/>`
      + `<circle cx="${x}" cy="${base}" r="${radius}"/>`
      + `<text x="${x}" y="${base + 22}" text-anchor="middle">${layer % names ? "" : layer || "in"}</text></g>`);
    if (layer % widths === 0)
      parts.push(`<text x="${x}" y="${base + 35}" text-anchor="middle" font-size="9.5">${channels}</text>`);
    parts.push(`<g class="leaf ${leaves ? "on" : ""}" data-leaf="${layer}"><title>${layerSaid(layer)} ${leaves ? "leaves" : "does not leave"} the block; click to change</title>`
      + `<path d="M${x - small},${base + 41}h${2 * small}l${-small},8z"/></g>`);
  });
  parts.push(`<text x="0" y="${base + 22}">layer</text><text x="0" y="${base + 35}">width</text><text x="0" y="${base + 49}">leaves</text>`);
  parts.push(`<path class="link lit" id="drag"/>`);
  fill(svg, height, parts);
  return { columns, base, tallest };
}

/** The links alone, of a block that is looked at. */
function drawKept(svg, result) {
  const width = svg.clientWidth || 380, count = result.widths.length, step = (width - 16) / count;
  const columns = { step, count, x: (column) => 8 + (column + 0.5) * step }, base = 76, parts = [];
  result.links.forEach((read, to) => read.forEach((from) => parts.push(`<path class="link" d="${arc(columns, base, 66, from, to)}"/>`)));
  const widest = Math.max(...result.widths);
  result.widths.forEach((channels, layer) => parts.push(`<g class="node"><circle cx="${columns.x(layer)}" cy="${base}" r="${1.5 + Math.min(step / 2 - 2, 4) * Math.sqrt(channels / widest)}"/></g>`));
  fill(svg, 84, parts);
  svg.setAttribute("aria-label", `The kept block's ${result.links.flat().length} links`);
}

const layerSaid = (layer) => (layer ? `layer ${layer}` : "the input");
const layerShort = (layer) => (layer ? String(layer) : "the input");
