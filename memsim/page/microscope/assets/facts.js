const facts = factsIn("facts");

const numbers = text => Array.from(varints(text)), ascending = text => Array.from(deltas(text));

const FETCHED = 0, MADE = 1, SPILLED = 2, DROPPED = 3, DEAD = 4, STORED = 5;
const COMES = [FETCHED, MADE], EVICTED = [SPILLED, DROPPED], LEAVES = [SPILLED, DROPPED, DEAD];

const capacity = facts.capacity;
const kernelOf = numbers(facts.step_kernel);
const steps = kernelOf.length;
const kind = numbers(facts.kind).map(each => facts.kinds[each]);
const writer = numbers(facts.writer).map(each => each - 1);
const tensors = facts.tensors.map((name, number) => ({
  name, kind: kind[number], writer: writer[number], readers: facts.readers[number],
}));
numbers(facts.bytes).forEach((bytes, number) => tensors[number].bytes = bytes);

/** The last step of each kernel. */
const lastOf = [];
kernelOf.forEach((kernel, step) => lastOf[kernel] = step);

for (const tensor of tensors) {
  const reader = tensor.readers[tensor.readers.length - 1];
  const end = reader === undefined ? tensor.writer : reader;
  tensor.dies = end < 0 ? steps : lastOf[end];  // after this step nobody reads it
}

/** Feature maps in the order in which they are made, the inputs first: the nodes of the arcs. */
const maps = tensors.map((tensor, number) => number).filter(number => kind[number] !== "weight" && kind[number] !== "scratch")
  .sort((a, b) => writer[a] - writer[b] || a - b);
const nodeOf = new Map(maps.map((number, node) => [number, node]));
/** The node that a kernel makes. */
const madeBy = [];
for (const number of maps) if (writer[number] >= 0 && madeBy[writer[number]] === undefined) madeBy[writer[number]] = nodeOf.get(number);

const UNITS = ["B", "kB", "MB", "GB", "TB"];
function bytesText(count) {
  let unit = 0, value = count;
  while (value >= 999.5 && unit < 4) { value /= 1000; unit++; }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}
function timeText(picoseconds) {
  for (const [unit, size] of [["s", 1e12], ["ms", 1e9], ["us", 1e6], ["ns", 1e3]])
    if (picoseconds >= size) return `${(picoseconds / size).toPrecision(3)} ${unit}`;
  return picoseconds ? `${picoseconds} ps` : "0";
}
function escaped(text) {
  return text.replace(/[&<>"']/g, each => `&#${each.charCodeAt(0)};`);
}
/** `block1.4.act` as `block1.4`: the layer, without what a step of it is called. */
function layerName(name) {
  const parts = name.split(".");
  while (parts.length > 1 && /^(act|conv|bn|relu|relu6|linear|product|bias|out)$/.test(parts[parts.length - 1])) parts.pop();
  return parts.join(".");
}
const lastPart = name => name.slice(name.lastIndexOf(".") + 1);
/** `block1.4.act` as `4`, `block3.concat` as `concat`: what fits below a node. */
const shortName = name => lastPart(layerName(name));
/** Nodes' names: the layer's at its first step, `act` or `conv` at those that follow. */
const nodeNames = maps.map((number, node) => {
  const name = tensors[number].name, before = node && tensors[maps[node - 1]].name;
  return node && layerName(before) === layerName(name) ? lastPart(name) : shortName(name);
});
/** The stage of the network in which a node is made; the inputs have none. */
const stageOf = [];
facts.stages.forEach(([, begin, end], stage) => { for (let kernel = begin; kernel < end; kernel++) stageOf[kernel] = stage; });
