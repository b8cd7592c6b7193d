// The pointer over a chart: what is under it is told and outlined; a drag looks closer.

/** The mark under a place, or the nearest: points before bars, bars before lines. */
function under({ marks, x, y, box }, px, py) {
  const arc = arcUnder({ marks, x, y, box }, px, py);
  if (arc) return arc;
  let best = null, least = 15;
  const offer = (mark, i, far, at) => { if (far < least) { least = far; best = { mark, i, at }; } };
  for (const mark of marks) {
    if (mark.kind !== "points" || !mark.tell) continue;
    for (let i = 0; i < mark.x.length; i += 1) {
      if (mark.y[i] === null) continue;
      const at = [x(mark.x[i]), y(mark.y[i])];
      offer(mark, i, Math.hypot(at[0] - px, at[1] - py), at);
    }
  }
  if (best || px < box.left || px > box.right) return best;
  const vx = x.back(px), vy = y.back(py);
  let column = null, near = Infinity;
  for (const mark of marks) {
    if (mark.kind !== "bars" || !mark.tell) continue;
    for (let i = 0; i < mark.left.length; i += 1) {
      if (vx < mark.left[i] || vx >= mark.right[i]) continue;
      const [low, high] = [Math.min(mark.low[i], mark.high[i]), Math.max(mark.low[i], mark.high[i])];
      if (vy >= low && vy < high) best = { mark, i };
      const far = Math.abs(y((low + high) / 2) - py);
      if (far < near) { near = far; column = { mark, i }; }
    }
  }
  if (best) return best;
  if (column && (column.mark.column || near < 6)) return column;
  least = 48;
  for (const mark of marks) {
    if (mark.kind !== "line" || !mark.tell || vx < mark.x[0]) continue;
    const i = Math.min(countUpTo(mark.x, vx), mark.x.length) - 1;
    if (i >= 0 && mark.y[i] !== null) offer(mark, i, Math.abs(y(mark.y[i]) - py), [px, y(mark.y[i])]);
  }
  return best;
}

/** The arc that is nearest, within four pixels. */
function arcUnder({ marks, x, y, box }, px, py) {
  let best = null, least = 4;
  for (const mark of marks) {
    if (mark.kind !== "arcs") continue;
    for (let i = 0; i < mark.from.length; i += 1) {
      const { left, right, rise, base } = arcAt(mark, i, { x, y, box }), part = (2 * px - left - right) / (right - left);
      if (Math.abs(part) > 1 || py > base) continue;
      const far = Math.abs(base - rise * Math.sqrt(1 - part * part) - py);
      if (far < least) { least = far; best = { mark, i }; }
    }
  }
  return best;
}

/** An outline around what is told. */
function outline({ mark, i, at }, { x, y, box }) {
  const stroke = variable("--text");
  if (mark.kind === "arcs") {
    const { left, right, rise, base } = arcAt(mark, i, { x, y, box });
    return drawn("path", { d: `M${left},${base}A${(right - left) / 2},${rise} 0 0 1 ${right},${base}`, fill: "none", stroke, "stroke-width": 2.5 });
  }
  if (mark.kind === "bars") {
    const [a, b, c, d] = [x(mark.left[i]), x(mark.right[i]), y(mark.high[i]), y(mark.low[i])];
    return drawn("rect", { x: tenth(Math.min(a, b) - 1), y: tenth(Math.min(c, d) - 1), width: tenth(Math.abs(b - a) + 2), height: tenth(Math.abs(d - c) + 2), fill: "none", stroke, "stroke-width": 1.5, rx: 1 });
  }
  return drawn("circle", { cx: tenth(at[0]), cy: tenth(at[1]), r: mark.kind === "line" ? 4 : 9, fill: mark.kind === "line" ? mark.ink : "none", stroke, "stroke-width": 1.5 });
}

function tellAt(plot, hit, px, py) {
  const { readout, shown, element } = plot, above = shown.svg.querySelector(".above");
  above.replaceChildren();
  readout.hidden = !hit;
  element.style.cursor = hit?.mark.click ? "pointer" : "";
  if (!hit) return;
  above.append(outline(hit, shown));
  const [head, ...lines] = hit.mark.tell(hit.i);
  readout.replaceChildren(make("b", {}, head), ...lines.map((line) => make("span", {}, line)));
  const wide = element.clientWidth, own = readout.offsetWidth;
  readout.style.left = `${Math.max(Math.min(px + 14 + own > wide ? px - own - 14 : px + 14, wide - own), 0)}px`;
  readout.style.top = `${Math.max(py - readout.offsetHeight - 10, -6)}px`;
}

let tapped = null;

/** Tell what was tapped, once what the tap has changed is drawn. */
function tellTapped(plot, hit, at) {
  if (tapped && tapped !== plot) tellAt(tapped, null);
  tapped = plot;
  requestAnimationFrame(() => { if (plot.shown) tellAt(plot, hit && under(plot.shown, ...at), ...at); });
}

/** Tell what is under the pointer; a click selects, a drag along the axis looks closer. */
function followPointer(plot) {
  const { element } = plot;
  let begin = null, band = null;
  const place = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const inside = (px) => Math.min(Math.max(px, plot.shown.box.left), plot.shown.box.right);
  element.addEventListener("pointermove", (event) => {
    if (!plot.shown) return;
    const [px, py] = place(event);
    if (begin !== null && Math.abs(px - begin) > 6) {
      const { box, svg } = plot.shown, [a, b] = [inside(begin), inside(px)].sort((one, other) => one - other);
      tellAt(plot, null);
      band = drawn("rect", { x: a, y: box.top, width: b - a, height: box.bottom - box.top, fill: variable("--accent"), opacity: 0.18 });
      svg.querySelector(".above").replaceChildren(band);
    } else tellAt(plot, under(plot.shown, px, py), px, py);
  });
  element.addEventListener("pointerdown", (event) => {
    begin = plot.shown && event.pointerType === "mouse" && event.button === 0 && plot.shown.figure.zooms ? place(event)[0] : null;
    band = null;
  });
  element.addEventListener("pointerup", (event) => {
    const [px] = place(event);
    if (band && Math.abs(px - begin) > 12) {
      plot.zoom = [inside(begin), inside(px)].sort((one, other) => one - other).map(plot.shown.x.back);
      draw(plot);
    }
    begin = null;
  });
  element.addEventListener("pointerleave", () => { if (plot.shown) tellAt(plot, null); begin = null; });
  element.addEventListener("click", (event) => {
    if (!plot.shown || band) { band = null; return; }
    const at = place(event), hit = under(plot.shown, ...at);
    if (hit?.mark.click) hit.mark.click(hit.i);
    // A finger does not hover: what it taps is told until the next tap.
    if (event.pointerType === "touch") tellTapped(plot, hit, at);
  });
  element.addEventListener("dblclick", () => { if (plot.zoom) { plot.zoom = null; draw(plot); } });
}
