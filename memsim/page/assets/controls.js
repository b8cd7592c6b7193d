// The controls: sliders and the text field; what the page says when they move.

const SWITCHED = ["part", "scale", "split"];

function setUpControls() {
  const slider = $("cache-slider"), field = $("cache-field"), rate = $("rate-slider"), macs = $("macs-slider");
  slider.max = POSITIONS.length - 1;
  rate.max = GRID.bandwidths.length - 1;
  macs.max = GRID.mac_rates.length - 1;
  $("cache-own").replaceChildren(make("span", { className: "roomy" }, `${sizeText(DATA.machine.cache)}: `), `${DATA.machine.name}’s own`);
  if (SIMULATED.length) $("slider-help").textContent = "the slider stops at the sizes that were simulated";
  $("left-note").textContent = SIMULATED.length
    ? ` Simulated were ${SIMULATED.length} sizes, ${sizeText(SIMULATED[0])} to ${sizeText(SIMULATED.at(-1))}; from each to the next the line is level.`
    : ` A cache of 0 is left of the axis, which begins at ${shortBytes(LEAST)}.`;

  slider.addEventListener("input", () => change({ cache: POSITIONS[slider.valueAsNumber] }));
  rate.addEventListener("input", () => change({ rate: rate.valueAsNumber }));
  macs.addEventListener("input", () => change({ macs: macs.valueAsNumber }));
  $("cache-own").addEventListener("click", () => change({ cache: DATA.machine.cache, rate: GRID.own, macs: GRID.own_macs }));
  field.addEventListener("change", () => enter(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      step(event.key === "ArrowUp" ? 1 : -1);
    }
  });
  $("controls").addEventListener("submit", (event) => { event.preventDefault(); enter(field.value); });
  for (const name of SWITCHED) {
    for (const button of document.querySelectorAll(`input[name=${name}]`)) {
      button.addEventListener("change", () => change({ [name]: button.value }));
    }
  }
  $("parts").hidden = DATA.only !== null;
  setUpTheme();
  listeners.push((changes) => {
    if ("cache" in changes) showCache();
    if ("cache" in changes) for (const link of document.querySelectorAll("nav a")) link.hash = new URLSearchParams({ cache: sizeText(state.cache) });
    if ("rate" in changes) showRate();
    if ("macs" in changes) showMacs();
    for (const name of SWITCHED) if (name in changes) document.querySelector(`input[name=${name}][value=${state[name]}]`).checked = true;
  });
  const write = keepAddress(() => [
    ...variantEntries(),
    ["cache", state.cache === DATA.machine.cache ? "" : sizeText(state.cache).replace(" ", "")],
    ["bandwidth", state.rate === GRID.own ? "" : brief(GRID.rates[state.rate])],
    ["macs", state.macs === GRID.own_macs ? "" : brief(GRID.mac_texts[state.macs])],
    ["part", state.part === "all" ? "" : state.part], ["split", state.split === "role" ? "" : state.split], ["scale", state.scale === SCALE ? "" : state.scale],
    ["picked", pickedEntry()], ["open", openEntry()], ["hidden", [...hidden].map(encodeURIComponent).join(",")], ["theme", theme],
  ], (told) => change(understood(told)));
  setUpVariants(write);
}

/** A rate as an address has it: 1TMAC/s for 1.00 TMAC/s. */
const brief = (text) => text.replace(" ", "").replace(/\.0+(?=[^\d])/, "").replace(/(\.\d*[1-9])0+(?=[^\d])/, "$1");

/** A name as it was before commas in it were encoded; as it stands where somebody wrote nonsense. */
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** The state that an address tells; what it does not tell, or tells wrongly, is as the page opens. */
function understood(told) {
  const found = { cache: DATA.machine.cache, rate: GRID.own, macs: GRID.own_macs, part: "all", scale: SCALE, split: "role" };
  const place = (texts, text) => texts.map(brief).indexOf(brief(text ?? ""));
  if (told.cache !== undefined && reads(told.cache)) found.cache = parseBytes(told.cache);
  if (place(GRID.rates, told.bandwidth) >= 0) found.rate = place(GRID.rates, told.bandwidth);
  if (place(GRID.mac_texts, told.macs) >= 0) found.macs = place(GRID.mac_texts, told.macs);
  if (DATA.only === null && ["maps", "weights"].includes(told.part)) found.part = told.part;
  if (told.split === "cause") found.split = told.split;
  if (["linear", "log"].includes(told.scale)) found.scale = told.scale;
  hidden.clear();
  for (const name of (told.hidden ?? "").split(",").filter(Boolean)) hidden.add(decoded(name));
  theme = ["light", "dark"].includes(told.theme) ? told.theme : "";
  showTheme();
  return { ...found, picked: pickedIn(told.picked), open: openIn(told.open), theme, hidden: "" };
}

function enter(text) {
  try {
    const cache = parseBytes(text);
    complain("");
    if (cache !== state.cache) change({ cache });
  } catch (error) {
    complain(`${text.trim() ? `“${clip(text.trim())}” is no cache size: ` : ""}${error.message}`);
  }
}

function complain(message) {
  $("cache-error").textContent = message;
  $("cache-field").setAttribute("aria-invalid", String(Boolean(message)));
}

/** To the next size at which the traffic of some network changes. */
function step(direction) {
  const place = countUpTo(CHANGES, state.cache) - 1;
  const next = direction > 0 ? place + 1 : CHANGES[place] === state.cache ? place - 1 : place;
  if (next >= 0 && next < CHANGES.length) change({ cache: CHANGES[next] });
}

function showCache() {
  const slider = $("cache-slider"), field = $("cache-field"), text = sizeText(state.cache);
  complain("");
  if (POSITIONS[slider.valueAsNumber] !== state.cache) slider.value = positionOf(state.cache);
  slider.setAttribute("aria-valuetext", state.cache ? text : "no cache");
  if (field.value.trim() === "" || !reads(field.value, state.cache)) field.value = text;
  $("cache-bytes").textContent = `= ${exact(state.cache)}`;
}

/** Whether a text is a size, or even this one. */
function reads(text, bytes) {
  try { return bytes === undefined ? parseBytes(text) >= 0 : parseBytes(text) === bytes; } catch { return false; }
}

function showRate() {
  const slider = $("rate-slider");
  slider.value = state.rate;
  slider.setAttribute("aria-valuetext", GRID.rates[state.rate]);
  $("rate").textContent = GRID.rates[state.rate];
}

function showMacs() {
  const slider = $("macs-slider");
  slider.value = state.macs;
  slider.setAttribute("aria-valuetext", GRID.mac_texts[state.macs]);
  $("macs").textContent = GRID.mac_texts[state.macs];
}
