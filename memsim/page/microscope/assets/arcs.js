const SHOWN = 36;  // nodes side by side, at most
const NODE = 15, ROOF = 132, LEFT = 60, CLOSEST = 34;  // pixels between two nodes at least
const HATCH = `<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V5" stroke="var(--dead)" stroke-width="1.4"/></pattern></defs>`;

/** How many nodes stand side by side. */
const shownNodes = () => Math.min(maps.length, printing ? Math.floor((SHEET - LEFT) / CLOSEST) : SHOWN);

/** The first node that is shown: all of them where they fit, else those around the current one. */
function firstShown(node) {
  const count = shownNodes(), first = Math.floor((node - count * .6) / 6) * 6;
  return Math.max(0, Math.min(first, maps.length - count));
}

/** How a tensor fares under a policy after a step: a cell that is filled as far as it is held. */
function cell(side, number, step, x, y, width) {
  const tensor = tensors[number], share = side.held[number] / tensor.bytes;
  const there = tensor.writer < 0 ? step >= 0 : step >= lastOf[tensor.writer] || share > 0;
  const height = 11, box = (more, w = width) => `<rect x="${x}" y="${y}" width="${w}" height="${height}" rx="2" ${more}/>`;
  if (step >= tensor.dies && share === 0) return box('fill="url(#hatch)" stroke="var(--dead)"');
  if (share > 0) {
    const whole = share > .999;
    return box('fill="var(--map)" stroke="none"', Math.max(1.5, width * share)) +
      box(`fill="none" stroke="${whole ? "var(--map)" : "var(--gone)"}"`);
  }
  if (!there) return box('fill="none" stroke="var(--line)" stroke-dasharray="2 2"');
  return box('fill="none" stroke="var(--gone)" stroke-width="1.4"');
}

/** A node: round, or a square where the tensor leaves the network. */
function mark(tensor, x, radius, look) {
  if (tensor.kind !== "output") return `<circle cx="${x.toFixed(1)}" cy="${ROOF}" r="${radius}" ${look}/>`;
  return `<rect x="${(x - radius).toFixed(1)}" y="${ROOF - radius}" width="${2 * radius}" height="${2 * radius}" ${look}/>`;
}

/** Stages of the network: a line above the nodes of each. */
function groups(first, count, x, gap) {
  const group = node => facts.stages[stageOf[tensors[maps[node]].writer]]?.[0] ?? "";
  const found = [];
  for (let node = first, end; node < first + count; node = end) {
    end = node + 1;
    while (end < first + count && group(end) === group(node)) end++;
    if (!group(node) || end - node < 3) continue;
    const from = x(node) - gap * .4, to = x(end - 1) + gap * .4;
    found.push(`<path d="M${from.toFixed(1)} 9H${to.toFixed(1)}" stroke="var(--line)"/><text class="quiet" x="${((from + to) / 2).toFixed(1)}" y="12" text-anchor="middle" style="paint-order:stroke;stroke:var(--ground);stroke-width:8px">${escaped(group(node))}</text>`);
  }
  return found.join("");
}

function drawArcs(step) {
  const kernel = kernelOf[step], current = madeBy[kernel] ?? 0;
  const first = firstShown(current), count = shownNodes();
  const place = document.getElementById("arcs"), wide = Math.max(printing ? SHEET : place.clientWidth, LEFT + CLOSEST * count);
  const gap = (wide - LEFT) / count, x = node => LEFT + (node - first + .5) * gap;
  const links = [], parts = [[], []];
  for (let node = 0; node < maps.length; node++)
    for (const reader of tensors[maps[node]].readers) {
      const to = madeBy[reader];
      if (to > node && to >= first && node < first + count) links.push([node, to, reader]);
    }
  // The longest that is seen from end to end rises to the roof; longer ones do no more.
  const tall = Math.max(8, ...links.filter(([node, to]) => node >= first && to < first + count).map(([node, to]) => to - node)), faint = links.length > 250 ? .22 : .55;
  for (const [node, to, reader] of links) {
    const reads = reader === kernel, past = reader < kernel;
    const rise = Math.min(1, (to - node) / tall) ** .6 * (ROOF - 22);
    const look = reads ? 'stroke="var(--reads)" stroke-width="2.4"'
      : `stroke="var(--map)" stroke-width="1" opacity="${past ? faint / 3 : faint}"`;
    parts[reads ? 1 : 0].push(`<path d="M${x(node).toFixed(1)} ${ROOF}C${x(node).toFixed(1)} ${(ROOF - rise * 1.33).toFixed(1)} ${x(to).toFixed(1)} ${(ROOF - rise * 1.33).toFixed(1)} ${x(to).toFixed(1)} ${ROOF}" fill="none" ${look}/>`);
  }
  const nodes = [];
  const width = Math.min(26, gap - 3);
  for (let node = first; node < first + count; node++) {
    const number = maps[node], tensor = tensors[number], left = x(node) - width / 2;
    const now = node === current, dead = step >= tensor.dies;
    const label = nodeNames[node], size = label.length * 6.6 > gap - 4 ? 9 : 11;
    nodes.push(`<g class="node" data-number="${number}" data-tensor="${escaped(tensor.name)}" data-life="${dead ? "dead" : "live"}"><title>${escaped(tensor.name)}: ${bytesText(tensor.bytes)}${dead ? ", dead" : ""}</title>` +
      mark(tensor, x(node), now ? 5.5 : 3.5, `fill="var(${now ? "--made" : "--map"})" ${dead && !now ? 'opacity=".35"' : ""}`) +
      `<text x="${x(node).toFixed(1)}" y="${ROOF + 19}" text-anchor="middle" ${dead ? 'class="quiet"' : ""} style="font-size:${size}px${now ? ";font-weight:700" : ""}">${escaped(label.slice(0, Math.max(3, Math.floor(gap / (size > 9 ? 6.2 : 4.7)))))}</text>` +
      sides.map((side, row) => cell(side, number, step, left, ROOF + 26 + row * NODE, width)).join("") + "</g>");
  }
  const words = sides.map((side, row) => `<text x="0" y="${ROOF + 36 + row * NODE}" style="fill:var(--${side.name})">${side.label}</text>`);
  place.innerHTML =
    `<svg width="${wide}" height="${ROOF + 58}" viewBox="0 0 ${wide} ${ROOF + 58}" role="img" aria-label="The links between feature maps; below each, how much of it is on chip">${HATCH}` +
    `<svg x="52" width="${wide - 52}" height="${ROOF + 58}" viewBox="52 0 ${wide - 52} ${ROOF + 58}">${groups(first, count, x, gap)}${parts[0].join("")}${parts[1].join("")}${nodes.join("")}</svg>${words.join("")}</svg>`;
  place.scrollLeft = x(current) - place.clientWidth / 2;  // where it is wider than the screen
}
