// The engine: from a block to its layers, tensors, tasks, cells and, for every cache size, traffic.
//
// The same steps as memsim in Python, for the programs that the page shows alone: one image in fp32,
// lowering concat_free, layer by layer, rows_outer, a scratchpad with LRU. Every number is whole, and
// below 2^53, so that none is rounded.

const ITEM = 4, LARGEST_BLOCK = 16384;
const FETCH = 0, RELOAD = 1, SPILL = 2, RESULT = 3;

/** Layers 1 .. n with their links, widths and what leaves. */
function blockOf(spec, patterns) {
  const rule = patterns[spec.pattern];
  const links = [[]], widths = [spec.input[0]];
  for (let layer = 1; layer <= spec.layers; layer++) {
    links.push([...((spec.links && spec.links[layer]) || rule.links[layer])]);
    widths.push(widthOf(rule.doublings[layer], spec));
  }
  const read = new Set(links.flat());
  let leaves = [...(spec.leaves || leavesOf(rule, spec.layers))];
  for (let layer = 1; layer <= spec.layers; layer++)
    if (!read.has(layer) && !leaves.includes(layer)) leaves.push(layer);
  return { links, widths, leaves };
}

function leavesOf(rule, layers) {
  const leaves = rule.leaves[layers];
  return rule.keepInput && !leaves.includes(0) ? [0, ...leaves] : leaves;
}

/** Channels of a layer: growth x multiplier^exponent, to even where the pattern widens layers. */
function widthOf(exponent, spec) {
  if (exponent === null) return spec.growth;
  // By products, which all browsers round alike; a test compares every width the page can have.
  let wider = 1;
  for (let i = 0; i < exponent; i++) wider *= spec.multiplier;
  const channels = spec.growth * wider;
  return Math.trunc(Math.trunc(channels + 1) / 2) * 2;
}

/** How many strips and channel blocks the tiles have that fill the buffers. */
function tilesOf(kernel, buffer) {
  const { height, width: columns, channels, inputs, size } = kernel;
  const pad = size >> 1, taps = size * size;
  const span = (start, stop) => [Math.max(start - pad, 0), Math.min(stop + pad, height)];
  const need = (rows, across) => {
    let streams = columns * ITEM, weights = 0;
    if (size) {
      const middle = Math.max(0, Math.floor((height - rows) / 2));
      const [first, last] = span(middle, middle + rows);
      streams = (last - first) * columns * ITEM;
      weights = across * taps * ITEM;
    }
    return rows * across * columns * ITEM + 2 * (streams + weights);
  };
  const tallest = (across) => {
    let low = 0, high = height;
    if (need(high, across) <= buffer) return high;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (need(middle, across) <= buffer) low = middle; else high = middle;
    }
    return low;
  };
  const streamed = (strips, blocks) => {
    const rows = Math.ceil(height / strips);
    const seam = strips > 1 ? Math.max(span(0, rows)[1] - span(rows, 2 * rows)[0], 0) : 0;
    const read = height + (strips - 1) * seam;
    return strips * channels * inputs * taps * ITEM + read * columns * inputs * blocks * ITEM;
  };
  let best = null;
  for (let across = channels; across;) {
    const blocks = Math.ceil(channels / across), rows = tallest(across);
    if (rows) {
      const step = Math.ceil(height / Math.ceil(height / rows)), strips = Math.ceil(height / step);
      const last = strips === 1 || !size;
      const cost = size && !(last && !best) ? streamed(strips, blocks) : 0;
      const candidate = [cost, strips * blocks, blocks, strips];
      if (!best || before(candidate, best)) best = candidate;
      if (last) break;
    }
    across = Math.min(across - 1, Math.ceil(channels / (blocks + 1)));
  }
  if (!best) throw new RangeError("the buffers do not hold one row of one channel");
  return { strips: best[3], blocks: best[2] };
}

function before(a, b) {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at] < b[at];
}

/** Ranges of equal size, the last one smaller where they do not divide. */
function parts(size, number) {
  const step = Math.ceil(size / number), found = [];
  for (let low = 0; low < size; low += step) found.push([low, Math.min(low + step, size)]);
  return found;
}

/** Kernels with their tiles, and the tensors that they access. */
function programOf(spec, block, buffer) {
  const [, height, width] = spec.input, size = spec.kernel;
  const map = (name, kind, channels) =>
    ({ name, kind, channels, rows: height, rowBytes: width * ITEM, accesses: [] });
  const alone = block.leaves.length === 1;
  const maps = block.widths.map((channels, layer) => {
    const leaves = layer > 0 && block.leaves.includes(layer);
    const kind = layer ? (leaves ? "output" : "activation") : "input";
    return map(layer ? `${layer}` : "input", kind, channels);
  });
  const tensors = [...maps], kernels = [];
  const add = (kernel, operands, weights, output) => {
    const cut = spec.tile === "whole" ? { strips: 1, blocks: 1 } : tilesOf(kernel, buffer);
    kernel.strips = parts(height, cut.strips);
    kernel.blocks = parts(kernel.channels, cut.blocks);
    const pad = size >> 1, every = kernel.blocks.map(() => [0, Infinity]);
    const rows = kernel.size
      ? kernel.strips.map(([low, high]) => [Math.max(low - pad, 0), Math.min(high + pad, height)])
      : kernel.strips;
    kernel.accesses = operands.map((tensor) => ({ tensor, rows, channels: kernel.size ? every : kernel.blocks }));
    if (weights) {
      tensors.push(weights);
      kernel.accesses.push({ tensor: weights, rows: kernel.strips.map(() => [0, 1]), channels: kernel.blocks });
    }
    kernel.accesses.push({ tensor: output, rows: kernel.strips, channels: kernel.blocks, write: true });
    for (const access of kernel.accesses) access.tensor.accesses.push(access);
    kernels.push(kernel);
  };
  for (let layer = 1; layer <= spec.layers; layer++) {
    const read = block.links[layer], inputs = read.reduce((sum, link) => sum + block.widths[link], 0);
    const channels = block.widths[layer];
    const weights = { name: `${layer}.weight`, kind: "weight", channels, rows: 1,
      rowBytes: (size * size * inputs + 1) * ITEM, accesses: [] };
    add({ layer, height, width, channels, inputs, size }, read.map((link) => maps[link]), weights, maps[layer]);
  }
  if (block.leaves.includes(0) && !alone) {
    // What comes from outside and leaves is copied: it has no other place to lie in.
    const copy = map("concat", "output", spec.input[0]);
    tensors.push(copy);
    add({ layer: spec.layers + 1, height, width, channels: spec.input[0], inputs: spec.input[0], size: 0 },
      [maps[0]], null, copy);
  }
  return { kernels, tensors };
}

/** Cut a tensor at the edges of all its accesses: cells, and blocks of at most 16 KiB in them. */
function cut(tensor, firstBlock, blockBytes) {
  const edges = (key, size) => {
    const found = new Set([0, size]);
    for (const access of tensor.accesses)
      for (const [low, high] of access[key]) found.add(low).add(Math.min(high, size));
    return [...found].sort((a, b) => a - b);
  };
  tensor.rowEdges = edges("rows", tensor.rows);
  tensor.channelEdges = edges("channels", tensor.channels);
  tensor.cellFirst = [];
  let number = firstBlock;
  for (let r = 0; r + 1 < tensor.rowEdges.length; r++) {
    const stripBytes = (tensor.rowEdges[r + 1] - tensor.rowEdges[r]) * tensor.rowBytes;
    const step = Math.max(Math.floor(LARGEST_BLOCK / stripBytes), 1);
    const pieces = Math.ceil(stripBytes / LARGEST_BLOCK);
    for (let c = 0; c + 1 < tensor.channelEdges.length; c++) {
      tensor.cellFirst.push(number);
      const across = tensor.channelEdges[c + 1] - tensor.channelEdges[c];
      for (let begin = 0; begin < across; begin += step) {
        const whole = Math.min(step, across - begin) * stripBytes;
        for (let piece = 0; piece < pieces; piece++, number++)
          blockBytes.push(Math.floor(whole * (piece + 1) / pieces) - Math.floor(whole * piece / pieces));
      }
    }
  }
  tensor.cellFirst.push(number);
  tensor.first = firstBlock;
  return number;
}

/** Accesses to blocks, task by task. */
function traceOf(program) {
  const blockBytes = [], blockTensor = [];
  let count = 0;
  program.tensors.forEach((tensor, number) => {
    const behind = cut(tensor, count, blockBytes);
    for (; count < behind; count++) blockTensor.push(number);
  });
  const block = [], write = [], task = [], taskKernel = [];
  program.kernels.forEach((kernel, number) => {
    kernel.strips.forEach((_, strip) => kernel.blocks.forEach((__, across) => {
      for (const access of kernel.accesses) {
        const { tensor } = access, wide = tensor.channelEdges.length - 1;
        const [top, bottom] = access.rows[strip], [left, right] = access.channels[across];
        const from = tensor.channelEdges.indexOf(left);
        const to = tensor.channelEdges.indexOf(Math.min(right, tensor.channels));
        for (let r = tensor.rowEdges.indexOf(top); tensor.rowEdges[r] < bottom; r++)
          for (let b = tensor.cellFirst[r * wide + from]; b < tensor.cellFirst[r * wide + to]; b++) {
            block.push(b); write.push(access.write ? 1 : 0); task.push(taskKernel.length);
          }
      }
      taskKernel.push(number);
    }));
  });
  return { block, write, task, taskKernel, blockBytes, blockTensor };
}

/** Sums over slots, each of which changes: a tree of Fenwick's. */
class Sums {
  constructor(size) { this.tree = new Float64Array(size + 1); this.total = 0; }
  add(slot, value) {
    this.total += value;
    for (let i = slot + 1; i < this.tree.length; i += i & -i) this.tree[i] += value;
  }
  from(slot) {
    let sum = this.total;
    for (let i = slot; i > 0; i -= i & -i) sum -= this.tree[i];
    return sum;
  }
}

/** The topmost of some slots. */
class Topmost {
  constructor() { this.heap = []; }
  get top() { return this.heap[0]; }
  get some() { return this.heap.length > 0; }
  push(slot) {
    const heap = this.heap;
    let child = heap.length;
    heap.push(slot);
    while (child && heap[(child - 1) >> 1] < slot) { heap[child] = heap[(child - 1) >> 1]; child = (child - 1) >> 1; }
    heap[child] = slot;
  }
  pop() {
    const heap = this.heap, moved = heap.pop(), size = heap.length;
    if (!size) return;
    let parent = 0;
    for (let child = 1; child < size; child = 2 * parent + 1) {
      if (child + 1 < size && heap[child + 1] > heap[child]) child++;
      if (heap[child] <= moved) break;
      heap[parent] = heap[child];
      parent = child;
    }
    heap[parent] = moved;
  }
}

/**
 * For each access the smallest cache in which it hits: one pass for all sizes.
 *
 * The recency stack is a row of slots, the newest last. What is accessed moves to a new slot, and what
 * it leaves, or leaves that dies, is a hole of its size. An access fills the topmost holes first, so
 * live bytes and holes down to a block are the largest depth it has had since its last access.
 */
function passOf(trace, tensors) {
  const { block, write, task, taskKernel, blockBytes, blockTensor } = trace, count = block.length;
  const last = new Int32Array(blockBytes.length).fill(-1);
  for (let at = 0; at < count; at++) last[block[at]] = at;
  const slotOf = new Int32Array(blockBytes.length).fill(-1);
  const writer = new Int32Array(blockBytes.length).fill(-1), deepest = new Float64Array(blockBytes.length);
  const sums = new Sums(count), holes = new Topmost(), hole = new Float64Array(count);
  const rows = new Map();
  const tell = (threshold, kernel, move, weight, bytes) => {
    // A number for what a row is about, so that equal ones are summed.
    const key = (kernel * 4 + move) * 2 + (weight ? 1 : 0);
    let of = rows.get(threshold);
    if (!of) rows.set(threshold, of = new Map());
    of.set(key, (of.get(key) || 0) + bytes);
  };
  for (let at = 0; at < count; at++) {
    const b = block[at], bytes = blockBytes[b], kernel = taskKernel[task[at]];
    const { kind } = tensors[blockTensor[b]], weight = kind === "weight";
    const old = slotOf[b], depth = old < 0 ? Infinity : sums.from(old);
    if (old >= 0) { hole[old] = bytes; holes.push(old); }
    if (!write[at]) {
      const first = old < 0 && (weight || kind === "input");
      tell(depth, kernel, first ? FETCH : RELOAD, weight, bytes);
    } else if (kind === "output") tell(Infinity, kernel, RESULT, false, bytes);
    if (writer[b] >= 0) deepest[b] = Math.max(deepest[b], depth);
    sums.add(at, bytes);
    for (let rest = bytes; rest > 0 && holes.some;) {
      const top = holes.top, filled = Math.min(rest, hole[top]);
      rest -= filled;
      hole[top] -= filled;
      sums.add(top, -filled);
      if (!hole[top]) holes.pop();
    }
    if (write[at] && kind !== "output") writer[b] = kernel;
    if (last[b] === at) {
      if (writer[b] >= 0) tell(deepest[b], writer[b], SPILL, false, bytes);
      slotOf[b] = -1;
      hole[at] = bytes;
      holes.push(at);
    } else slotOf[b] = at;
  }
  return rows;
}

/** Live bytes of feature maps while each task runs; the first and last kernel of each tensor. */
function livesOf(trace, program) {
  const { block, task, taskKernel, blockBytes, blockTensor } = trace;
  const born = new Int32Array(blockBytes.length).fill(-1), dead = new Int32Array(blockBytes.length);
  for (let at = 0; at < block.length; at++) {
    if (born[block[at]] < 0) born[block[at]] = task[at];
    dead[block[at]] = task[at];
  }
  const change = new Array(taskKernel.length + 1).fill(0);
  const lives = program.tensors.map(({ name, kind, channels, rows, rowBytes }) =>
    ({ name, kind, bytes: channels * rows * rowBytes, born: Infinity, dead: -1 }));
  for (let b = 0; b < blockBytes.length; b++) {
    const life = lives[blockTensor[b]];
    if (born[b] < 0) continue;
    life.born = Math.min(life.born, taskKernel[born[b]]);
    life.dead = Math.max(life.dead, taskKernel[dead[b]]);
    if (life.kind === "weight") continue;
    change[born[b]] += blockBytes[b];
    change[dead[b] + 1] -= blockBytes[b];
  }
  let sum = 0;
  const live = change.slice(0, -1).map((value) => (sum += value));
  return { live, lives: lives.filter(({ kind }) => kind !== "weight") };
}

/** Traffic for every cache size: `bytes[i]` from `sizes[i]` up to the next. */
function stepsOf(rows) {
  const thresholds = [...rows.keys()].sort((a, b) => a - b);
  let reads = 0, writes = 0, weights = 0;
  for (const of of rows.values())
    for (const [key, bytes] of of) {
      if ((key >> 1) % 4 >= SPILL) writes += bytes; else reads += bytes;
      if (key & 1) weights += bytes;
    }
  const steps = { sizes: [0], reads: [reads], writes: [writes], weights: [weights] };
  for (const threshold of thresholds) {
    if (threshold === Infinity) break;
    for (const [key, bytes] of rows.get(threshold)) {
      if ((key >> 1) % 4 >= SPILL) writes -= bytes; else reads -= bytes;
      if (key & 1) weights -= bytes;
    }
    steps.sizes.push(threshold); steps.reads.push(reads); steps.writes.push(writes); steps.weights.push(weights);
  }
  return steps;
}

/** What moves at a cache size: kernels x [compulsory, reload, spill]. */
function trafficAt(result, capacity) {
  const table = result.kernels.map(() => [0, 0, 0]);
  for (const [threshold, of] of result.rows) {
    if (threshold <= capacity) continue;
    for (const [key, bytes] of of) {
      const move = (key >> 1) % 4;
      table[Math.floor(key / 8)][move === RESULT ? 0 : move] += bytes;
    }
  }
  return table;
}

const MOST_ACCESSES = 1e6;

/** About how many accesses a program has: bytes that its tasks touch, in the largest blocks. */
function effortOf({ kernels }) {
  let accesses = 0;
  for (const { strips, blocks, accesses: own } of kernels)
    for (const { tensor, write } of own) {
      const times = tensor.kind === "weight" ? strips.length : write ? 1 : blocks.length;
      accesses += times * tensor.channels * tensor.rows * tensor.rowBytes / LARGEST_BLOCK + strips.length * blocks.length;
    }
  return accesses;
}

/** All that the page tells of a block; a RangeError where finding it would take too long. */
function evaluate(spec, facts) {
  const block = blockOf(spec, facts.patterns), program = programOf(spec, block, facts.buffer);
  const effort = effortOf(program);
  if (effort > MOST_ACCESSES) throw new RangeError(`some ${(effort / 1e6).toFixed(1)} million accesses are too many for a page`);
  const trace = traceOf(program), rows = passOf(trace, program.tensors), steps = stepsOf(rows);
  const { live, lives } = livesOf(trace, program);
  const places = spec.input[1] * spec.input[2], taps = spec.kernel * spec.kernel;
  let macs = 0, params = 0, cio = 0;
  for (const { size, inputs, channels } of program.kernels) {
    if (!size) continue;
    macs += taps * inputs * channels * places;
    params += taps * inputs * channels + 2 * channels;
    cio += (inputs + channels) * places;
  }
  const compulsory = steps.reads.at(-1) + steps.writes.at(-1);
  return { ...block, kernels: program.kernels, rows, steps, live, lives, macs, params, cio, compulsory,
    taskKernel: trace.taskKernel, peak: Math.max(...live), accesses: trace.block.length };
}

/** DRAM bytes at a cache size. */
function dramAt(steps, capacity) {
  let low = 0, high = steps.sizes.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps.sizes[middle] <= capacity) low = middle; else high = middle;
  }
  return steps.reads[low] + steps.writes[low];
}
