const at = name => document.getElementById(name);
let playing = 0, drawCursor = () => {};

/** What can leave when a step is done: the answer in words. */
function sentence(step) {
  const kernel = kernelOf[step];
  const dead = maps.filter(number => tensors[number].dies === step && tensors[number].readers.length);
  if (step !== lastOf[kernel]) return `<b>${escaped(facts.kernels[kernel])}</b> is not done yet: what it reads stays needed.`;
  const done = `When <b>${escaped(facts.kernels[kernel])}</b> is done, `;
  if (!dead.length) return `${done}no feature map can leave: what it has read is read again.`;
  const names = dead.map(number => `<b>${nameOf(number)}</b>`);
  const all = maps.filter(number => tensors[number].writer >= 0 && tensors[number].writer < kernel);
  const since = all.filter(number => tensors[number].dies <= step).length;
  const shown = names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  const text = shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}` : shown[0];
  const sum = dead.reduce((total, number) => total + tensors[number].bytes, 0);
  return `${done}${text} can leave: nobody reads ${dead.length > 1 ? "them" : "it"} again (${bytesText(sum)}). ${since === all.length && all.length > 1 ? "So <b>all</b> maps made before it are dead." : `${since} of ${all.length} maps made before it are dead.`}`;
}

function draw() {
  const step = state.step, kernel = kernelOf[step];
  at("scrub").value = Math.round(progress(step) * at("scrub").max);
  const when = sides.map(side => `${side.label} ${timeText(side.end[step])}`).join(", ");
  at("moment").innerHTML = `${facts.by} ${step + 1} of ${steps} <span>·</span> ${escaped(facts.kernels[kernel])} <span>· ${when}</span>`;
  at("scrub").setAttribute("aria-valuetext", `${facts.by} ${step + 1} of ${steps}, ${facts.kernels[kernel]}`);
  at("sentence").innerHTML = sentence(step);
  for (const side of sides) drawSide(side, step);
  drawArcs(step);
  drawCursor(step);
  moveLives(step);
  at("jump").value = kernel;
  document.documentElement.dataset.step = step + 1;
}

let asked = false;
/** Show a step; drawn once per frame, however often it is asked for. */
function go(step) {
  state.step = Math.max(0, Math.min(steps - 1, step));
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); if (!playing) writeAddress(); });
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  at("play").innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M5 3v10l8-5z"/></svg>';
  at("play").setAttribute("aria-label", "Play");
  writeAddress();
}

function play() {
  if (state.step === steps - 1) go(0);
  at("play").innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M4 3h3v10H4zM9 3h3v10H9z"/></svg>';
  at("play").setAttribute("aria-label", "Pause");
  const begin = state.step, clock = sides[0], from = begin ? clock.end[begin - 1] : 0;
  let started = null;
  const tick = now => {
    started ??= now;
    const gone = (now - started) / 1000 * state.speed;
    let step = begin + Math.floor(gone);
    if (state.pace === "time") {  // as long as as many steps take that take equally long
      const picoseconds = from + gone * clock.time / steps;
      step = stepAt(picoseconds / clock.time);
    }
    if (step !== state.step) go(step);
    if (step >= steps - 1) { stop(); return; }
    playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
}

const toggle = () => playing ? stop() : play();
const leap = step => { if (playing) stop(); go(step); };

/** A kernel back or on, from where the current one begins or ends. */
function kernelStep(direction) {
  let step = state.step;
  const kernel = kernelOf[step];
  while (step + direction >= 0 && step + direction < steps && kernelOf[step] === kernel) step += direction;
  return direction > 0 ? lastStep(step) : step;
}
function lastStep(step) {
  while (step + 1 < steps && kernelOf[step + 1] === kernelOf[step]) step++;
  return step;
}

/** Lay the slider and the curves out by steps or by time. */
function measure() {
  at("scrub").max = state.pace === "time" ? 10000 : Math.max(1, steps - 1);
  drawCursor = buildOverview();
}

function wire() {
  at("scrub").addEventListener("input", () => leap(stepAt(Number(at("scrub").value) / at("scrub").max)));
  at("first").onclick = () => leap(0);
  at("last").onclick = () => leap(steps - 1);
  at("back").onclick = () => leap(state.step - 1);
  at("next").onclick = () => leap(state.step + 1);
  at("play").onclick = toggle;
  at("speed").innerHTML = SPEEDS.map(each => `<option value="${each}">${each} ${facts.by}s/s</option>`).join("");
  at("speed").value = state.speed;
  at("pace").value = state.pace;
  const again = () => { const was = playing; if (was) stop(); return was; };
  at("speed").onchange = () => { const was = again(); state.speed = Number(at("speed").value); writeAddress(); if (was) play(); };
  at("pace").onchange = () => { const was = again(); state.pace = at("pace").value; measure(); go(state.step); if (was) play(); };
  at("jump").innerHTML = facts.kernels.map((name, number) => `<option value="${number}">${escaped(name)}</option>`).join("");
  at("arcs").addEventListener("click", event => {  // a node: the step that makes it, or the first that reads an input
    const node = event.target.closest(".node"), tensor = node && tensors[Number(node.dataset.number)];
    if (tensor) leap(lastOf[tensor.writer < 0 ? tensor.readers[0] : tensor.writer] ?? 0);
  });
  addEventListener("resize", () => go(state.step));
  for (const [when, now] of [["beforeprint", true], ["afterprint", false]]) addEventListener(when, () => { printing = now; draw(); });
  at("jump").onchange = () => leap(lastOf[Number(at("jump").value)]);
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, .list, summary")) return;
    if (event.key === " " && event.target.closest("button")) return;
    const where = {
      ArrowRight: () => event.shiftKey ? kernelStep(1) : state.step + 1,
      ArrowLeft: () => event.shiftKey ? kernelStep(-1) : state.step - 1,
      Home: () => 0, End: () => steps - 1,
    }[event.key];
    if (where) { event.preventDefault(); leap(where()); }
    else if (event.key === " ") { event.preventDefault(); toggle(); }
  });
  whenEntered(() => {
    readAddress();
    at("speed").value = state.speed;
    at("pace").value = state.pace;
    measure();
    leap(state.step);
  });
}

if (steps) {
  buildSides();
  readAddress();
  measure();
  paintLives();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintLives);
  wire();
  draw();
} else {
  at("sentence").textContent = "There is nothing to see: no kernel runs.";
}
document.documentElement.dataset.ready = "yes";
