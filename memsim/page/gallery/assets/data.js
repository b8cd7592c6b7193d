// The data: traffic of each network at the slider's sizes, and its whole curve once that is loaded.

const DATA = factsIn("facts");

/** The last place whose number is at most a value, in an ascending column from 0. */
const placeOf = (column, value) => countUpTo(column, value) - 1;

const STOPS = DATA.stops;

/** The size whose numbers are shown at a cache size: where some were simulated, the largest that is no larger. */
const sizeShown = (cache) => (DATA.sampled.length ? DATA.sampled[Math.max(placeOf(DATA.sampled, cache), 0)] : cache);
const NETWORKS = DATA.networks.map((facts) => ({
  ...facts, stops: { sizes: STOPS, weights: falling(facts.weights), maps: falling(facts.maps) }, curve: null,
}));

/** Weights, feature maps and their sum at a cache size; null where that waits for the curve. */
function trafficAt(network, size) {
  const cache = sizeShown(size), place = placeOf(STOPS, cache);
  const known = STOPS[place] === cache || place === STOPS.length - 1;  // beyond it nothing falls
  const table = known ? network.stops : network.curve;
  if (!table) return null;
  const row = known ? place : placeOf(table.sizes, cache);
  const [weights, maps] = [table.weights[row], table.maps[row]];
  return { weights, maps, total: weights + maps };
}

let asked = false;

/** Load every curve, once; `loaded` is called after each, and told what failed. */
function loadCurves(loaded) {
  if (asked) return;
  asked = true;
  for (const network of NETWORKS) {
    const script = document.createElement("script");
    const file = `curves/${network.file}.js`;
    script.src = file;
    script.onload = () => { take(); loaded(null); };
    script.onerror = () => loaded(`${file} beside this page cannot be read; sizes on the slider need no such file`);
    document.head.append(script);
  }
}

/** Unpack the curves that scripts have left. */
function take() {
  for (const [file, text] of (window.memsimCurves ?? []).splice(0)) {
    const packed = unpacked(text), network = NETWORKS.find((each) => each.file === file);
    if (network) network.curve = { sizes: deltas(packed.sizes), weights: falling(packed.weights), maps: falling(packed.maps) };
  }
}
