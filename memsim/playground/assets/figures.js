// The figures below the links, and the curve: hand-drawn SVG, a column per layer.

function fill(svg, height, parts) {
  const width = svg.clientWidth || 640;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.innerHTML = parts.join("");
}

/** A round figure at or above a value: 1, 2, 2.5 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= value) || value;
}

function scaleOf(most, top, bottom, right) {
  const round = roundUp(most), y = (value) => bottom - (bottom - top) * value / round;
  const marks = [0, round / 2, round].map((value) => `<path class="axis" d="M46,${y(value)}H${right}"/>`
    + `<text x="42" y="${y(value) + 4}" text-anchor="end" font-size="10">${value ? bytesSaid(value) : "0"}</text>`);
  return { y, marks };
}

function drawLives(svg, result) {
  const columns = columnsOf(svg, result), top = 2, bottom = 128, parts = [];
  const each = (bottom - top) / Math.max(result.lives.length, 8);
  for (let column = 0; column < columns.count; column++)
    parts.push(`<path class="axis" d="M${columns.x(column)},${top}V${bottom}" opacity=".6"/>`);
  result.lives.forEach((life, row) => {
    const a = columns.left + (life.born + 1) * columns.step + 1, b = columns.left + (life.dead + 2) * columns.step - 1;
    const name = life.name === "input" ? "the input" : life.name === "concat" ? "the input's copy" : `layer ${life.name}`;
    parts.push(`<rect class="life ${life.kind}" x="${a}" y="${top + row * each + each * 0.1}" width="${b - a}" height="${Math.max(each * 0.8, 1)}">`
      + `<title>${name}: ${bytesSaid(life.bytes)}</title></rect>`);
  });
  fill(svg, bottom + 2, parts);
  svg.setAttribute("aria-label", `${result.lives.length} feature maps, from their write to their last read`);
}

function mostLive(result) {
  const most = new Array(result.kernels.length).fill(0);
  result.live.forEach((bytes, task) => { const k = result.taskKernel[task]; most[k] = Math.max(most[k], bytes); });
  return most;
}

function drawLive(svg, result, cache) {
  const columns = columnsOf(svg, result), most = mostLive(result), bottom = 94, right = columns.width - columns.right;
  const { y, marks } = scaleOf(Math.max(...most), 8, bottom, right), parts = [...marks];
  let line = "";
  most.forEach((bytes, kernel) => {
    const a = columns.left + (kernel + 1) * columns.step;
    line += `${kernel ? "V" : `M${a},`}${y(bytes)}H${a + columns.step}`;
  });
  const first = columns.left + columns.step, end = columns.left + (most.length + 1) * columns.step;
  parts.push(`<path class="area" d="${line}V${bottom}H${first}Z"/><path class="edge" d="${line}"/>`);
  if (y(cache) >= 4) parts.push(`<path class="limit" d="M46,${y(cache)}H${right}"/><text class="strong" x="50" y="${y(cache) + (y(cache) < 24 ? 13 : -4)}">cache</text>`);
  fill(svg, bottom + 6, parts);
  svg.setAttribute("aria-label", `Live bytes layer by layer: at most ${bytesSaid(result.peak)}`);
}

function drawTraffic(svg, result, table) {
  const columns = columnsOf(svg, result), bottom = 94, right = columns.width - columns.right;
  const { y, marks } = scaleOf(Math.max(...table.map((row) => row[0] + row[1] + row[2])), 8, bottom, right);
  const parts = [...marks];
  table.forEach((row, kernel) => {
    const x = columns.left + (kernel + 1) * columns.step + columns.step * 0.14;
    let sum = 0;
    ["compulsory", "reload", "spill"].forEach((cause, at) => {
      if (!row[at]) return;
      parts.push(`<rect class="bar ${cause}" x="${x}" y="${y(sum + row[at])}" width="${columns.step * 0.72}" height="${y(sum) - y(sum + row[at])}">`
        + `<title>${layerOf(result, kernel)}: ${bytesSaid(row[at])} ${cause}</title></rect>`);
      sum += row[at];
    });
  });
  const last = result.kernels.length;
  for (let column = 0; column < columns.count; column++) {
    if (columns.step < 20 && column % 2) continue;
    const said = column === 0 ? "" : column > result.widths.length - 1 ? "copy" : column;
    if (column <= last) parts.push(`<text x="${columns.x(column)}" y="${bottom + 13}" text-anchor="middle" font-size="10">${said}</text>`);
  }
  fill(svg, bottom + 17, parts);
  svg.setAttribute("aria-label", "DRAM traffic of each layer at this cache size, by cause");
}

const layerOf = (result, kernel) => (kernel + 1 < result.widths.length ? `layer ${kernel + 1}` : "copy of the input");

/** Cache sizes along the curve, in powers of ten. */
function reachOf(results, cache) {
  const last = Math.max(...results.map(({ steps }) => steps.sizes.at(-1)), FACTS.cache, cache);
  return { low: 4, high: Math.log10(last * 1.25) };
}

function drawCurve(svg, result, kept, cache, reach) {
  const width = svg.clientWidth || 380, left = 50, right = width - 14, top = 14, bottom = 250;
  const x = (size) => left + (right - left) * (Math.log10(Math.max(size, 10 ** reach.low)) - reach.low) / (reach.high - reach.low);
  const back = (at) => 10 ** (reach.low + (reach.high - reach.low) * (at - left) / (right - left));
  const most = Math.max(...[result, ...(kept ? [kept] : [])].map(({ steps }) => dramAt(steps, 10 ** reach.low)));
  const { y, marks } = scaleOf(most, top, bottom, right), parts = [...marks];
  for (let power = Math.ceil(reach.low); power <= reach.high; power++)
    parts.push(`<path class="axis" d="M${x(10 ** power)},${top}V${bottom}"/><text x="${x(10 ** power)}" y="${bottom + 14}" text-anchor="middle" font-size="10">${roundSaid(power)}</text>`);
  const draw = ({ steps }, kind) => {
    let line = "", before = null;
    for (let at = left; at <= right; at += 0.5) {
      const value = dramAt(steps, back(at));
      if (value !== before) line += line ? `H${at}V${y(value)}` : `M${at},${y(value)}`;
      before = value;
    }
    parts.push(`<path class="${kind}" d="${line}H${right}"/>`);
  };
  parts.push(`<path class="floor" d="M${left},${y(result.compulsory)}H${right}"/>`
    + `<text x="${left + 4}" y="${y(result.compulsory) + 13}">compulsory ${bytesSaid(result.compulsory)}</text>`);
  if (kept) draw(kept, "before");
  draw(result, "now");
  const moved = dramAt(result.steps, cache), at = x(cache);
  parts.push(`<path class="limit" d="M${at},${top}V${bottom}"/>`);
  if (kept) parts.push(`<circle class="dot old" cx="${at}" cy="${y(dramAt(kept.steps, cache))}" r="4"/>`);
  parts.push(`<circle class="dot" cx="${at}" cy="${y(moved)}" r="5"/>`);
  fill(svg, bottom + 18, parts);
  svg.setAttribute("aria-label", `Traffic against cache size: ${bytesSaid(moved)} at ${bytesSaid(cache)}, compulsory ${bytesSaid(result.compulsory)}`);
  return back;
}
