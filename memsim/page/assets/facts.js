// The facts: of the variant, a lowering and a data type, that the address names, or of the first.

const spoken = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const VARIED = ["lowering", "dtype"];

const DATA = factsIn("facts");

/** Which variant an address names: the first that has all that it says. */
function variantOf(told) {
  const found = (DATA.variants ?? []).findIndex((each) => VARIED.every((name) => told[name] === undefined || told[name] === each[name]));
  return Math.max(found, 0);
}

const VARIANT = variantOf(spoken());
if (VARIANT) Object.assign(DATA, factsIn(`facts-${VARIANT}`));
