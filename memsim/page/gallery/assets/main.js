// The page: its state, which stands behind the # of its address, and its controls.

const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const OPENS = { cache: DATA.own, sort: "name", down: false, per: "mac", find: "", theme: "" };
const state = { ...OPENS };

/** The state that an address tells; what it does not tell, or wrongly, is as the page opens. */
function spoken() {
  const told = new URLSearchParams(location.hash.slice(1)), found = { ...OPENS };
  try { if (told.has("cache")) found.cache = parseBytes(told.get("cache")); } catch { /* as it opens */ }
  if (COLUMNS[told.get("sort")]?.value) found.sort = told.get("sort");
  found.down = told.get("down") === "yes";
  if (Object.hasOwn(PER, told.get("per"))) found.per = told.get("per");
  found.find = told.get("find") ?? "";
  if (["light", "dark"].includes(told.get("theme"))) found.theme = told.get("theme");
  return found;
}

let timer = 0;

function keepAddress() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const written = { ...state, cache: sizeText(state.cache), down: state.down ? "yes" : "" };
    const entries = Object.entries(written).filter(([name, value]) => value !== "" && state[name] !== OPENS[name]);
    const text = new URLSearchParams(entries).toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }, 200);
}

function change(changes) {
  Object.assign(state, changes);
  show();
  keepAddress();
}

function nearestStop(cache) {
  if (DATA.sampled.length) return STOPS.indexOf(sizeShown(cache));
  const place = placeOf(STOPS, cache), [before, after] = [STOPS[place], STOPS[place + 1]];
  if (after === undefined) return place;
  return before ? (cache * cache < before * after ? place : place + 1) : (2 * cache < after ? place : place + 1);
}

function show() {
  const dark = state.theme ? state.theme === "dark" : DARK.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
  $("cache-slider").value = nearestStop(state.cache);
  $("cache-slider").setAttribute("aria-valuetext", sizeText(state.cache));
  if (document.activeElement !== $("cache-field")) $("cache-field").value = sizeText(state.cache);
  $("cache-bytes").textContent = `= ${exact(state.cache)}`;
  $("per").value = state.per;
  if (document.activeElement !== $("find")) $("find").value = state.find;
  const shown = showTable(state);
  const waiting = shown.some((network) => !network.now);
  $("said").textContent = waiting ? `Reading the curves: ${sizeText(state.cache)} lies between two of the slider’s sizes …` : summary(shown);
  if (waiting) loadCurves((failed) => { if (failed) complain(failed); show(); });
  document.documentElement.dataset.cache = waiting ? "" : String(state.cache);
}

function summary(shown) {
  if (!shown.length) return "No name holds these words.";
  const order = [...shown].sort((a, b) => a.now.total - b.now.total);
  const told = (network) => `(${formatBytes(network.now.total)})`;
  const [least, most] = [order[0], order.at(-1)];
  const ends = shown.length > 1 ? `${least.label} moves least ${told(least)}, ${most.label} most ${told(most)}` : `${least.label} moves ${formatBytes(least.now.total)}`;
  const done = shown.filter((network) => network.now.total === network.compulsory).length;
  const said = (size) => sizeText(size).replace(/^\d+ B$/, exact(size)), size = sizeShown(state.cache);
  const other = size === state.cache ? "" : `, of which the numbers are those of ${said(size)}, the ${size > state.cache ? "smallest" : "nearest smaller one"} that was simulated,`;
  return `With a cache of ${said(state.cache)}${other} ${ends}. ${done} of ${shown.length} ${done === 1 ? "moves" : "move"} compulsory bytes alone.`;
}

function complain(text) {
  $("cache-error").textContent = text;
  $("cache-field").setAttribute("aria-invalid", String(Boolean(text)));
}

function setUp() {
  setUpTable((name) => change(state.sort === name ? { down: !state.down } : { sort: name, down: false }));
  $("cache-slider").max = STOPS.length - 1;
  $("cache-slider").addEventListener("input", (event) => { complain(""); change({ cache: STOPS[event.target.value] }); });
  $("cache-field").addEventListener("change", (event) => {
    try {
      const cache = parseBytes(event.target.value);
      complain("");
      change({ cache });
      event.target.value = sizeText(cache);
    } catch (error) { complain(error.message); }
  });
  $("cache-own").textContent = `${DATA.machine}: ${sizeText(DATA.own)}`;
  $("cache-own").addEventListener("click", () => { complain(""); change({ cache: DATA.own }); });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("find").addEventListener("input", (event) => change({ find: event.target.value }));
  $("per").addEventListener("change", (event) => change({ per: event.target.value }));
  $("theme").addEventListener("click", () => change({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" }));
  DARK.addEventListener("change", show);
  whenEntered(() => {
    clearTimeout(timer);
    Object.assign(state, spoken());
    show();
  });
  Object.assign(state, spoken());
  show();
  document.documentElement.dataset.ready = "yes";
}

setUp();
