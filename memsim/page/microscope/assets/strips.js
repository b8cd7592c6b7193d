const HIGH = 34;
let LONG = 640;  // pixels of a cache, as long as there is room

/** Ink that is read on a colour. */
const inkOn = look => look.includes("--map") || look.includes("--gone") ? "--on-map" : "--on-colour";

/** Tensors in the order in which the strip shows them: weights last. */
const order = [...maps, ...tensors.map((tensor, number) => number).filter(number => !nodeOf.has(number))];

function colourOf(number, kernel) {
  const tensor = tensors[number];
  if (tensor.writer === kernel) return "--made";
  if (tensor.readers.includes(kernel)) return kind[number] === "weight" ? "--weight" : "--reads";
  return kind[number] === "weight" ? "--weight" : "--map";
}

function segment(x, width, look, number, more, high = HIGH) {
  const name = tensors[number].name, short = shortName(name);
  const label = width > 7 * short.length + 6
    ? `<text x="${(x + width / 2).toFixed(1)}" y="${high / 2 + 4}" text-anchor="middle" style="fill:var(${inkOn(look)});font-weight:600">${escaped(short)}</text>` : "";
  return `<g><title>${escaped(name)}: ${more}</title><rect x="${x.toFixed(2)}" y="1" width="${Math.max(width - 1, .6).toFixed(2)}" height="${high - 2}" rx="2" ${look}/>${look.includes("hatch") || look.includes('"none"') ? label.replace(inkOn(look), "--text") : label}</g>`;
}

/** The cache, to scale: the frame is all of it. */
function strip(side, step) {
  const kernel = kernelOf[step], parts = [];
  let x = 0;
  for (const number of order) {
    const bytes = side.held[number];
    if (!bytes) continue;
    const width = capacity ? bytes / capacity * LONG : 0;
    parts.push(segment(x, width, `fill="var(${colourOf(number, kernel)})"`, number, bytesText(bytes)));
    x += width;
  }
  return `<svg width="${LONG + 2}" height="${HIGH}" viewBox="0 0 ${LONG + 2} ${HIGH}" role="img" aria-label="What the cache holds">${parts.join("")}<rect x=".5" y=".5" width="${LONG + 1}" height="${HIGH - 1}" rx="3" fill="none" stroke="var(--quiet)"/></svg>`;
}

/** What left in a step of what was held before it: dead, evicted. To the same scale if it fits. */
function leaving(side, step, before) {
  const left = new Map();
  for (const row of side.at(step)) {
    if (!LEAVES.includes(row.what) || !before[row.tensor]) continue;
    const found = left.get(row.tensor) ?? [0, 0, 0];
    found[row.what === DEAD ? 0 : row.what === DROPPED ? 1 : 2] += row.bytes;
    left.set(row.tensor, found);
  }
  const shown = [];
  for (const number of order) {
    if (!left.has(number)) continue;
    let room = before[number];
    left.get(number).forEach((bytes, how) => {
      const counted = Math.min(bytes, room);
      room -= counted;
      if (counted) shown.push([number, how, counted]);
    });
  }
  const LOOKS = ['fill="url(#hatch)" stroke="var(--dead)"', 'fill="none" stroke="var(--gone)" stroke-width="1.4"', 'fill="var(--gone)"'];
  const WORDS = ["dead", "evicted, DRAM has it", "evicted, written back"];
  let x = 0;
  const parts = shown.map(([number, how, bytes]) => {
    const width = capacity ? bytes / capacity * LONG : 0;
    const made = segment(x, width, LOOKS[how], number, `${bytesText(bytes)} ${WORDS[how]}`, 22);
    x += width;
    return made;
  });
  return `<svg width="${LONG + 2}" height="22" viewBox="0 0 ${LONG + 2} 22" role="img" aria-label="What left">${parts.join("")}<path d="M.5 21.5H${LONG + 1}" stroke="var(--line)"/></svg>`;
}

const WORD = ["fetched", "made", "spilled", "dropped", "dead", "stored"];
const SHOWN_AS = ["fetched", "made", "evicted", "evicted", "dead", "stored"];
const RANK = [3, 4, 0, 0, 1, 5];

function nameOf(number) { return escaped(tensors[number].name); }

function told(row) {
  const name = `<b>${nameOf(row.tensor)}</b>`;
  if (EVICTED.includes(row.what)) {
    const whom = row.by === row.tensor ? "itself" : nameOf(row.by);
    const how = row.what === SPILLED ? "written back" : "DRAM has it";
    return `${name} <em>by</em> ${whom}<em>, ${how}; needed at ${escaped(facts.kernels[row.again])}</em>`;
  }
  if (row.what === DEAD) return `${name} <em>nobody reads it again</em>`;
  if (row.what === STORED) return `${name} <em>to DRAM: the network's output</em>`;
  return name;
}

function list(side, step) {
  const rows = side.at(step).sort((a, b) => RANK[a.what] - RANK[b.what] || b.bytes - a.bytes);
  return rows.map(row => `<li class="${WORD[row.what]}"><span class="w">${SHOWN_AS[row.what]}</span><span class="n">${bytesText(row.bytes)}</span><span>${told(row)}</span></li>`).join("");
}

function buildSides() {
  document.getElementById("both").innerHTML = sides.map(side => `<section class="side" data-policy="${side.name}">
    <h2><b>${side.label}</b> <span data-fact="split"></span> <strong data-fact="moved"></strong></h2>
    <div class="strip"><p data-fact="held"></p><div data-part="strip"></div><p>left in this ${facts.by}: <span data-fact="left"></span></p><div data-part="leaving"></div></div>
    <p class="caption">every feature map from first to last: <span style="color:var(--map)">on chip</span>, or <span style="color:var(--gone)">needed and not on chip</span></p><div class="map"><canvas></canvas><i></i></div>
    <ul class="list" data-part="list" tabindex="0" aria-label="What happens under ${side.label}"></ul></section>`).join("");
}

function drawSide(side, step) {
  const place = document.querySelector(`.side[data-policy="${side.name}"]`);
  const put = (what, html) => { place.querySelector(what).innerHTML = html; };
  LONG = printing ? COLUMN : Math.max(place.querySelector(".strip").clientWidth - 2, 120);
  const before = Float64Array.from(side.heldAfter(step - 1));
  side.heldAfter(step);
  const full = capacity ? Math.round(100 * side.used[step] / capacity) : 0;
  const sums = [0, 0, 0, 0, 0, 0];
  for (const row of side.at(step)) sums[row.what] += row.bytes;
  put("[data-fact=moved]", `${bytesText(side.moved(step))} moved`);
  put("[data-fact=split]", `so far ${bytesText(side.read[step])} read, ${bytesText(side.written[step])} written, ${bytesText(side.spilled[step] + side.dropped[step])} evicted`);
  put("[data-fact=held]", `holds ${bytesText(side.used[step])} of ${bytesText(capacity)}, ${full} %`);
  put("[data-fact=left]", `${bytesText(sums[DEAD])} dead, ${bytesText(sums[SPILLED] + sums[DROPPED])} evicted (drawn: of what was held before it)`);
  put("[data-part=strip]", strip(side, step));
  put("[data-part=leaving]", leaving(side, step, before));
  put("[data-part=list]", list(side, step));
  Object.assign(place.dataset, {read: side.read[step], written: side.written[step], held: side.used[step]});
}
