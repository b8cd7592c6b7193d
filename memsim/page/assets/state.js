// The state: a cache size, a bandwidth and a compute rate of the grid, the part of the traffic that
// is shown, how bars are split, what is picked, light or dark.

const NETWORKS = DATA.networks.map((facts, number) => {
  const all = Curve.unpack(facts);
  const curves = { all, ...Object.fromEntries(["weights", "maps"].map((part) => [part, all.of(part)])) };
  if (facts.energy.dram) facts.energy.dram = { sizes: deltas(facts.energy.dram.sizes), bytes: falling(facts.energy.dram.bytes) };
  return {
    ...facts, number, curves, look: DATA.looks.series[number],
    get curve() { return curves[state.part]; },
    get free() { return curves[state.part].free; },
    get knees() { return state.part === "all" ? facts.knees : []; },  // they are of all traffic
  };
});
const COMPARING = NETWORKS.length > 1;
const GRID = DATA.latency;

/** The sizes that were simulated where no pass serves all of them, or none: then every size is exact. */
const SIMULATED = DATA.sampled;

/** The cache size whose numbers are shown: where some were simulated, the largest that is no larger. */
const sizeShown = () => (SIMULATED.length ? SIMULATED[Math.max(countUpTo(SIMULATED, state.cache) - 1, 0)] : state.cache);
const isShownItself = () => sizeShown() === state.cache;

/** What the curve begins with, as it is said of traffic. */
const AT_FIRST = SIMULATED.length ? `with ${sizeText(SIMULATED[0])}` : "without a cache";

/** Whether networks differ so much that one axis for all would leave some without height. */
const UNEVEN = (() => {
  const most = NETWORKS.map((network) => network.curves.all.free);
  return Math.max(...most) > 8 * Math.max(Math.min(...most), 1);
})();
const SCALE = UNEVEN ? "log" : "linear";  // as the page opens

const state = { cache: DATA.machine.cache, rate: GRID.own, macs: GRID.own_macs, split: "role", part: "all", scale: SCALE, picked: null, open: {}, traffic: [], whole: [] };
const listeners = [];

/** Change the state, and tell everybody what has changed. */
function change(changes) {
  Object.assign(state, changes);
  if ("part" in changes) changes = { ...changes, cache: state.cache };  // everything shows another part
  if ("cache" in changes) {
    state.traffic = NETWORKS.map((network) => network.curve.at(state.cache));
    state.whole = state.part === "all" ? state.traffic : NETWORKS.map((network) => network.curves.all.at(state.cache));
  }
  for (const listener of listeners) listener(changes);
}

/** The place on the grid that is nearest to the cache size, as a ratio; 0 is near to 0 only. */
function nearestCapacity() {
  if (SIMULATED.length) return GRID.capacities.indexOf(sizeShown());
  if (!state.cache) return 0;
  const sizes = GRID.capacities;
  const far = sizes.map((size) => (size ? Math.abs(Math.log(size / state.cache)) : Infinity));
  const first = sizes[1];
  if (sizes[0] === 0 && first && state.cache < first / 2) return 0;
  return far.indexOf(Math.min(...far));
}

function latency(network, capacity = nearestCapacity(), rate = state.rate) {
  return GRID.times[network.number][capacity][rate][state.macs];
}

/** Joules of all traffic at the cache that is set; null where the machine does not know all of it. */
function energy(network) {
  const { dram_pj_per_byte: each, onchip_j: chip, mac_j: macs, dram } = network.energy;
  const bytes = dram ? dram.bytes[countUpTo(dram.sizes, state.cache) - 1] : state.whole[network.number].total;  // whatever part is told
  return each === null || chip === null || macs === null ? null : bytes * each * 1e-12 + chip + macs;
}

/** The sizes at which the traffic of some network changes. */
const CHANGES = Float64Array.from(NETWORKS.flatMap((network) => Array.from(network.curves.all.steps.sizes)))
  .sort().filter((size, i, sorted) => size !== sorted[i - 1] && size >= (SIMULATED[0] ?? 0));

/** Sizes of the slider's positions: 0, then three significant digits, 96 to a factor of ten; or those simulated. */
const POSITIONS = (() => {
  if (SIMULATED.length) return SIMULATED;
  const [low, high] = DATA.slider, found = [0];
  for (let power = 96 * Math.log10(low); ; power += 1) {
    const size = Math.round(Number((10 ** (power / 96)).toPrecision(3)));
    if (size >= high) break;
    if (size > found.at(-1)) found.push(size);
  }
  return [...found, high];
})();

/** Where the axes of cache sizes begin. */
const LEAST = POSITIONS[0] || POSITIONS[1];

function positionOf(size) {
  if (SIMULATED.length) return POSITIONS.indexOf(sizeShown());
  const above = Math.min(Math.max(countUpTo(POSITIONS, size), 1), POSITIONS.length - 1);
  const [before, after] = [POSITIONS[above - 1], POSITIONS[above]];
  if (!before) return size * 2 < after ? 0 : 1;
  return size * size < before * after ? above - 1 : above;
}
