const WIDE = 1340, TALL = 60;

/** How far along a step is, 0 to 1: by its number, or by the time at which LRU has done it. */
function progress(step) {
  if (state.pace === "time") return sides[0].time ? sides[0].end[step] / sides[0].time : 0;
  return steps > 1 ? step / (steps - 1) : 0;
}
/** The step that is as far along. */
function stepAt(share) {
  if (state.pace !== "time") return Math.round(share * (steps - 1));
  const found = sides[0].end.findIndex(end => end >= share * sides[0].time);
  return found < 0 ? steps - 1 : found;
}
/** Where that is on a line as wide as the page, on which the slider's thumb is 16 wide. */
function along(step) { return (8 + progress(step) * (WIDE - 16)) / WIDE; }

/** Bytes moved so far, step by step, and where we are: drawn once, and a cursor that moves. */
function buildOverview() {
  const most = Math.max(1, ...sides.map(side => side.moved(steps - 1)));
  const x = step => along(step) * WIDE, y = bytes => TALL - 4 - bytes / most * (TALL - 18);
  const lines = sides.map((side, number) => {
    const points = side.read.map((_, step) => `${x(step).toFixed(1)} ${y(side.moved(step)).toFixed(1)}`);
    return `<path d="M0 ${y(0)}L${points.join("L")}" fill="none" stroke="var(--${side.name})" stroke-width="1.8"/>`;
  });
  const words = sides.map(side => `<b style="color:var(--${side.name})">${side.label} ${bytesText(side.moved(steps - 1))}</b>`);
  document.getElementById("overview").innerHTML = `<p>bytes moved so far; in the end ${words.join(" ")}</p><svg viewBox="0 0 ${WIDE} ${TALL}" preserveAspectRatio="none" role="img" aria-label="Bytes moved so far">` +
    `<path d="M0 ${TALL - 3.5}H${WIDE}" stroke="var(--line)"/>${lines.join("")}<path id="cursor" d="" stroke="var(--text)" stroke-width="1.2"/>` +
    sides.map(side => `<circle id="dot-${side.name}" r="4" fill="var(--${side.name})"/>`).join("") + "</svg>";
  const svg = document.querySelector("#overview svg");
  const scrub = event => {
    const box = svg.getBoundingClientRect();
    leap(stepAt(((event.clientX - box.left) / box.width * WIDE - 8) / (WIDE - 16)));
  };
  svg.addEventListener("pointerdown", event => { svg.setPointerCapture(event.pointerId); scrub(event); });
  svg.addEventListener("pointermove", event => { if (event.buttons) scrub(event); });
  return step => {
    document.getElementById("cursor").setAttribute("d", `M${x(step)} 0V${TALL - 3}`);
    for (const side of sides) {
      const dot = document.getElementById(`dot-${side.name}`);
      dot.setAttribute("cx", x(step));
      dot.setAttribute("cy", y(side.moved(step)));
    }
  };
}
