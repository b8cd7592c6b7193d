// What is said: sizes and counts, the block as a file of memsim, the commands that say the same.

const PREFIX = ["", "k", "M", "G", "T"];

function scaled(value, space) {
  let power = 0, number = value;
  while (power + 1 < PREFIX.length && Number(number.toPrecision(3)) >= 1000) { number /= 1000; power++; }
  return (power ? number.toPrecision(3) : String(number)) + space + PREFIX[power];
}

const bytesSaid = (value) => `${scaled(value, " ")}B`;
const roundSaid = (power) => `${10 ** (power % 3)} ${PREFIX[Math.floor(power / 3)]}B`;
const countSaid = (value) => scaled(value, " ").trim();
const exact = (value) => value.toLocaleString("en-US");

function yamlOf(spec, block) {
  const lines = ["name: playground", `input: [${spec.input.join(", ")}]`, "layers:"];
  if (!byHand(spec)) {
    const widens = FACTS.patterns[spec.pattern].doublings[1] !== null;
    const facts = [`pattern: ${spec.pattern}`, `layers: ${spec.layers}`, `growth: ${spec.growth}`];
    if (widens) facts.push(`multiplier: ${spec.multiplier}`);
    if (spec.kernel !== 3) facts.push(`kernel: ${spec.kernel}`);
    const wide = facts.splice(3).map((fact) => `,\n            ${fact}`).join("");
    return [...lines, `  - block: {${facts.join(", ")}${wide}}`, ""].join("\n");
  }
  const name = (layer) => (layer ? `layer${layer}` : "input");
  for (let layer = 1; layer <= spec.layers; layer++) {
    const from = block.links[layer].map(name);
    let source = from[0];
    if (from.length > 1) {
      source = `concat${layer}`;
      lines.push(`  - {name: ${source}, concat: {}, from: [${from.join(", ")}]}`);
    }
    const conv = `out: ${block.widths[layer]}, kernel: ${spec.kernel}, bn: true, act: relu`;
    lines.push(`  - {name: ${name(layer)}, conv: {${conv}}, from: ${source}}`);
  }
  if (block.leaves.length > 1) lines.push(`  - {name: out, concat: {}, from: [${block.leaves.map(name).join(", ")}]}`);
  lines.splice(2, 0, `outputs: [${block.leaves.length > 1 ? "out" : name(block.leaves[0])}]`);
  return [...lines, ""].join("\n");
}

function commandOf(spec, cache) {
  const tile = spec.tile === "whole" ? " --tile whole" : "";
  const program = `--machine ${FACTS.machine} --lowering ${FACTS.lowering}${tile}`;
  return `memsim run playground.yaml ${program} --cache ${cache}\nmemsim curve playground.yaml ${program}`;
}
