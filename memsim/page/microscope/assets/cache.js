/** What happens under one policy, and what is held after each step. */
class Side {
  constructor(told) {
    this.name = told.name;
    this.label = told.label;
    this.time = told.time;
    this.end = ascending(told.end);
    const column = name => numbers(told[name]);
    const step = ascending(told.step), what = column("what"), tensor = column("tensor");
    const by = column("by"), again = column("again"), blocks = column("blocks"), bytes = column("bytes");
    this.rows = step.map((each, row) => ({
      step: each, what: what[row], tensor: tensor[row], by: by[row] - 1, again: again[row] - 1,
      blocks: blocks[row], bytes: bytes[row],
    }));
    this.first = new Array(steps + 1).fill(this.rows.length);  // first row of each step
    for (let row = this.rows.length - 1; row >= 0; row--) this.first[this.rows[row].step] = row;
    for (let at = steps - 1; at >= 0; at--) this.first[at] = Math.min(this.first[at], this.first[at + 1]);
    this.read = []; this.written = []; this.spilled = []; this.dropped = []; this.used = [];
    const sums = [0, 0, 0, 0, 0, 0];
    for (let at = 0; at < steps; at++) {
      for (const row of this.at(at)) sums[row.what] += row.bytes;
      this.read.push(sums[FETCHED]);
      this.written.push(sums[SPILLED] + sums[STORED]);
      this.spilled.push(sums[SPILLED]);
      this.dropped.push(sums[DROPPED]);
      this.used.push(sums[FETCHED] + sums[MADE] - sums[SPILLED] - sums[DROPPED] - sums[DEAD]);
    }
    this.moment = -1;
    this.held = new Float64Array(tensors.length);
  }

  at(step) { return this.rows.slice(this.first[step], this.first[step + 1]); }

  /** The bytes of each tensor that are held after a step; -1: before the first. */
  heldAfter(step) {
    if (step < this.moment) { this.held.fill(0); this.moment = -1; }
    for (let row = this.first[this.moment + 1]; row < this.first[step + 1]; row++) {
      const each = this.rows[row];
      if (COMES.includes(each.what)) this.held[each.tensor] += each.bytes;
      else if (LEAVES.includes(each.what)) this.held[each.tensor] -= each.bytes;
    }
    this.moment = step;
    return this.held;
  }

  moved(step) { return this.read[step] + this.written[step]; }
}

const sides = facts.policies.map(told => new Side(told));
