// The state of a sweep's page: which number is shown, along which axes, at which values of the others.

const AXES = new Map(DATA.axes.map((axis) => [axis.name, axis]));
const VARIABLES = new Map(DATA.variables.map((variable) => [variable.name, variable]));
const FIRST = ["cache", "bandwidth", "macs"];
const LINES = DATA.looks.series.length;

const state = { value: "", x: "", y: "", kind: "lines", at: Object.fromEntries(DATA.axes.map(({ name }) => [name, 0])) };
const listeners = [];

/** Change the state, and tell everybody what has changed. */
function change(changes) {
  Object.assign(state, changes);
  for (const listener of listeners) listener(changes);
}

const count = (name) => AXES.get(name).texts.length;
const dims = () => VARIABLES.get(state.value).dims;
const others = () => dims().filter((name) => name !== state.x && name !== state.y);

/** Change what is shown, to something that can be: axes that the number has, lines that can be told apart. */
function choose(changes) {
  const value = changes.value ?? state.value, own = VARIABLES.get(value).dims;
  const numbers = [...FIRST, ...own].filter((name) => own.includes(name) && AXES.get(name).values);
  let x = changes.x ?? state.x, y = changes.y ?? state.y, kind = changes.kind ?? state.kind;
  if (!own.includes(x)) x = numbers[0] ?? own[0];
  if (y === x) y = changes.y === undefined && own.includes(state.x) ? state.x : "";
  if (y === x || (y && !own.includes(y))) y = "";
  if (!y && "value" in changes) y = own.find((name) => name !== x && count(name) <= LINES) ?? "";
  if (changes.kind === "map" && !y) y = own.find((name) => name !== x) ?? "";
  if (!y) kind = "lines";
  if (y && kind === "lines" && count(y) > LINES) {
    if (changes.kind === "lines") y = "";
    else kind = "map";
  }
  change({ value, x, y, kind, at: { ...state.at, ...changes.at } });
}

/** The number at places along x and y; null where the point failed. */
function numberAt(i, j) {
  const { dims: own, numbers } = VARIABLES.get(state.value);
  let place = 0;
  for (const name of own) place = place * count(name) + (name === state.x ? i : name === state.y ? j : state.at[name]);
  return numbers[place];
}
