// The curve: the rows that the engine found, and their sums at any cache size.

const ROLES = DATA.roles, CAUSES = DATA.causes;
const [COMPULSORY, RELOAD, SPILL] = [0, 1, 2];
// The moves of the curve's rows: fetches and results are compulsory, the first two are reads.
const CAUSE_OF_MOVE = [COMPULSORY, RELOAD, SPILL, COMPULSORY], READ_MOVES = 2;

/** Which roles each part of the traffic has: feature maps are all but weights. */
const WEIGHT = ROLES.indexOf("weight");
const PARTS = { all: () => true, weights: (role) => role === WEIGHT, maps: (role) => role !== WEIGHT };

class Curve {
  #steps = null;

  /** A network's curve of all traffic; `of` gives that of a part. */
  static unpack(facts) {
    const packed = facts.curve, { read, write, weight } = facts.compulsory;
    const threshold = varints(packed.threshold), bytes = varints(packed.bytes), above = bytes.slice();
    const end = deltas(packed.rows);
    // In each group thresholds ascend; `above` is what a row moves together with those after it.
    end.forEach((last, group) => {
      const first = group ? end[group - 1] : 0;
      for (let row = first + 1; row < last; row += 1) threshold[row] += threshold[row - 1];
      for (let row = last - 2; row >= first; row -= 1) above[row] += above[row + 1];
    });
    const groups = {
      kernel: deltas(packed.kernel), tensor: varints(packed.tensor), role: varints(packed.role),
      move: varints(packed.move), always: varints(packed.always), end,
    };
    return Object.assign(new Curve(), {
      groups, threshold, bytes, above, kernels: facts.kernels.name.length, tensors: facts.tensors.name.length,
      least: { all: read + write, weights: weight, maps: read + write - weight },
    }).of("all");
  }

  of(part) {
    return Object.assign(new Curve(), this, { part, compulsory: this.least[part] });
  }

  /** The groups of the part: the number of each, its first row, and where its rows end. */
  * #parts() {
    const { end, role } = this.groups, has = PARTS[this.part];
    for (let group = 0; group < end.length; group += 1) {
      if (has(role[group])) yield [group, group ? end[group - 1] : 0, end[group]];
    }
  }

  /** Reads and writes at the sizes from which they hold; the first size is 0. */
  get steps() {
    return this.#steps ??= this.#fall();
  }

  #fall() {
    const falls = new Map(), sizes = [0];
    let total = 0;
    for (const [group, first, last] of this.#parts()) {
      total += this.groups.always[group] + (first < last ? this.above[first] : 0);
      for (let row = first; row < last; row += 1) {
        const size = this.threshold[row];
        falls.set(size, (falls.get(size) ?? 0) + this.bytes[row]);
      }
    }
    const totals = [total];
    for (const size of Float64Array.from(falls.keys()).sort()) {
      total -= falls.get(size);
      if (total === totals.at(-1)) continue;
      if (size) { sizes.push(size); totals.push(total); } else totals[0] = total;
    }
    return { sizes: Float64Array.from(sizes), totals: Float64Array.from(totals) };
  }

  /** Traffic without a cache. */
  get free() { return this.steps.totals[0]; }

  /** All traffic at a cache size: a row moves iff the size is below its threshold. */
  at(capacity) {
    const sums = new Float64Array(this.groups.end.length);
    for (const [group, first, last] of this.#parts()) {
      const row = countUpTo(this.threshold, capacity, first, last);
      sums[group] = this.groups.always[group] + (row < last ? this.above[row] : 0);
    }
    return new Traffic(this, sums);
  }
}

/** The traffic at one size: by layer, role and cause, and by tensor and cause. */
class Traffic {
  constructor(curve, sums) {
    const { kernel, tensor, role, move } = curve.groups;
    this.curve = curve;
    this.sums = sums;
    this.layers = new Float64Array(curve.kernels * ROLES.length * CAUSES.length);
    this.tensors = new Float64Array(curve.tensors * CAUSES.length);
    this.table = ROLES.map(() => CAUSES.map(() => 0));
    this.read = this.write = 0;
    for (let i = 0; i < sums.length; i += 1) {
      if (!sums[i]) continue;
      this.#add(kernel[i], tensor[i], role[i], CAUSE_OF_MOVE[move[i]], sums[i]);
      if (move[i] < READ_MOVES) this.read += sums[i]; else this.write += sums[i];
    }
    this.byRole = this.table.map((row) => row.reduce((a, b) => a + b));
    this.byCause = CAUSES.map((_, cause) => this.table.reduce((sum, row) => sum + row[cause], 0));
    this.total = this.read + this.write;
  }

  #add(kernel, tensor, role, cause, bytes) {
    this.layers[(kernel * ROLES.length + role) * CAUSES.length + cause] += bytes;
    this.tensors[tensor * CAUSES.length + cause] += bytes;
    this.table[role][cause] += bytes;
  }

  /** Bytes of one layer: role by cause. */
  layer(kernel) {
    const begin = kernel * ROLES.length * CAUSES.length;
    return ROLES.map((_, role) => Array.from(
      this.layers.subarray(begin + role * CAUSES.length, begin + (role + 1) * CAUSES.length)));
  }

  tensor(number) {
    return this.tensors.subarray(number * CAUSES.length, (number + 1) * CAUSES.length);
  }
}
