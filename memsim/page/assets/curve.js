// The curve: the rows that the engine found, and their sums at any cache size.

const ROLES = DATA.roles, CAUSES = DATA.causes;
const [COMPULSORY, RELOAD, SPILL] = [0, 1, 2];
// The moves of the curve's rows: fetches and results are compulsory, the first two are reads.
const CAUSE_OF_MOVE = [COMPULSORY, RELOAD, SPILL, COMPULSORY], READ_MOVES = 2;

/** Which roles each part of the traffic has: feature maps are all but weights. */
const WEIGHT = ROLES.indexOf("weight");
const PARTS = { all: () => true, weights: (role) => role === WEIGHT, maps: (role) => role !== WEIGHT };

class Curve {
  /** A network's curve of all traffic; `of` gives that of a part. */
  static unpack(facts) {
    const packed = facts.curve, { read, write, weight } = facts.compulsory;
    const curve = new Curve();
    curve.kernels = facts.kernels.name.length;
    curve.tensors = facts.tensors.name.length;
    curve.groups = {
      kernel: deltas(packed.kernel), tensor: varints(packed.tensor),
      role: varints(packed.role), move: varints(packed.move),
    };
    curve.least = { all: read + write, weights: weight, maps: read + write - weight };
    return curve.#with(deltas(packed.threshold), varints(packed.group), varints(packed.bytes), "all");
  }

  of(part) {
    const kept = (column) => column.filter((_, row) => PARTS[part](this.groups.role[this.group[row]]));
    const curve = Object.assign(new Curve(), { kernels: this.kernels, tensors: this.tensors, groups: this.groups, least: this.least });
    return curve.#with(kept(this.threshold), kept(this.group), kept(this.bytes), part);
  }

  #with(threshold, group, bytes, part) {
    Object.assign(this, { threshold, group, bytes, compulsory: this.least[part] });
    this.steps = this.#steps();
    this.free = this.at(0).total;
    return this;
  }

  /** Reads and writes at the sizes from which they hold; the first size is 0. */
  #steps() {
    const { threshold, bytes } = this;
    const sizes = [], totals = [];
    let total = 0;
    for (let row = bytes.length - 1; row >= 0; row -= 1) {
      const at = threshold[row];  // undefined for the rows that always move
      const closes = row === bytes.length - 1 || at !== threshold[row + 1];
      if (closes && at !== undefined && (!totals.length || totals.at(-1) !== total)) {
        sizes.push(at);
        totals.push(total);
      } else if (closes && at !== undefined) sizes[sizes.length - 1] = at;
      total += bytes[row];
    }
    if (totals.at(-1) === total) sizes.pop(), totals.pop();
    sizes.push(0);
    totals.push(total);
    return { sizes: Float64Array.from(sizes.reverse()), totals: Float64Array.from(totals.reverse()) };
  }

  /** All traffic at a cache size: a row moves iff the size is below its threshold. */
  at(capacity) {
    const sums = new Float64Array(this.groups.kernel.length);
    for (let row = countUpTo(this.threshold, capacity); row < this.bytes.length; row += 1) {
      sums[this.group[row]] += this.bytes[row];
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
