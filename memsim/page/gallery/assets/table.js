// The table: a row a network, made once; what depends on the cache is written anew.

const $ = (id) => document.getElementById(id);

/** An element with properties and children; texts are text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value; else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function draw(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const PER = {
  mac: { head: "Bytes per MAC", of: (n) => n.macs, told: (value) => `${value.toPrecision(3)} B per MAC` },
  bytes: { head: "Bytes", of: () => 1, told: formatBytes },
  least: { head: "Times compulsory", of: (n) => n.compulsory, told: (value) => `${value.toFixed(2)} ×` },
};

const moving = (show, value) => ({ show, value, moves: true });
const fixed = (show, value) => ({ show, value, moves: false });
const ofTraffic = (name) => moving((n) => formatBytes(n.now[name]), (n) => n.now[name]);

/** The columns: how a cell is told, and by what rows are sorted. */
const COLUMNS = {
  name: { head: "Network", text: true, ...fixed((n) => n.label, (n) => n.label) },
  input: { head: "Input", text: true, ...fixed((n) => n.input, (n) => n.input.split("x").reduce((a, b) => a * (parseInt(b, 10) || 1), 1)) },
  bar: { head: "", text: true, bar: true },
  traffic: { head: "Traffic", ...ofTraffic("total") },
  maps: { head: "Feature maps", ...ofTraffic("maps") },
  weights: { head: "Weights", ...ofTraffic("weights") },
  compulsory: { head: "Compulsory", ...fixed((n) => formatBytes(n.compulsory), (n) => n.compulsory) },
  times: { head: "Traffic / compulsory", ...moving((n) => times(n.now.total, n.compulsory), (n) => n.now.total / (n.compulsory || 1)) },
  macs: { head: "MACs", ...fixed((n) => formatCount(n.macs), (n) => n.macs) },
  params: { head: "Parameters", ...fixed((n) => formatCount(n.params), (n) => n.params) },
  cio: { head: "CIO", ...fixed((n) => formatCount(n.cio), (n) => n.cio) },
  curve: { head: "Every size", curve: true },
};
if (DATA.only) for (const name of ["maps", "weights"]) delete COLUMNS[name];

const collator = new Intl.Collator("en", { numeric: true });
const compare = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a - b);

function setUpTable(sortBy) {
  const head = Object.entries(COLUMNS).map(([name, column]) => {
    const cell = make("th", { scope: "col", className: column.text ? "text" : "" });
    if (column.value) {
      const button = make("button", { type: "button" }, column.head);
      cell.dataset.head = column.head;
      button.addEventListener("click", () => sortBy(name));
      cell.append(button);
    } else cell.append(make("span", {}, column.head));
    column.cell = cell;
    return cell;
  });
  $("networks").tHead.append(make("tr", {}, ...head));
  for (const network of NETWORKS) network.row = rowOf(network);
}

function rowOf(network) {
  network.cells = {};
  network.link = make("a", { href: "", textContent: network.label });
  return make("tr", { "data-network": network.label }, ...Object.entries(COLUMNS).map(([name, column]) => {
    const cell = make(name === "name" ? "th" : "td", { className: column.text ? "text" : "", "data-fact": name });
    if (name === "name") { cell.scope = "row"; cell.append(network.link); }
    else if (column.bar) cell.append(make("div", { className: "split" }, make("i", { className: "weights" }), make("i", { className: "maps" }), make("i", { className: "floor" })));
    else if (column.curve) cell.append(sparkline(network));
    else if (!column.moves) { cell.textContent = column.show(network); if (typeof column.value(network) === "number" && !column.text) cell.title = grouped(column.value(network)); }
    network.cells[name] = cell;
    return cell;
  }));
}

const WIDTH = 128, HEIGHT = 24;

/** Where a size lies on the curve's axis, from 0 to 1: 0 bytes at its begin, then powers. */
function across(size) {
  const [low, high] = [STOPS[1] / 2, STOPS.at(-1)];
  return size <= low ? 0 : Math.min(Math.log(size / low) / Math.log(high / low), 1);
}

function sparkline(network) {
  const { weights, maps } = network.stops;
  const totals = Array.from(weights, (each, i) => each + maps[i]);
  const [least, most] = [network.compulsory || 1, Math.max(totals[0], 1)];
  network.height = (total) => HEIGHT - 4 - (HEIGHT - 8) * (most > least ? Math.log(Math.max(total, least) / least) / Math.log(most / least) : 0);
  let path = "";
  STOPS.forEach((size, i) => {
    const x = (across(size) * WIDTH).toFixed(1);
    if (!i || totals[i] !== totals[i - 1]) path += i ? `H${x}V${network.height(totals[i]).toFixed(1)}` : `M${x},${network.height(totals[i]).toFixed(1)}`;
  });
  network.dot = draw("circle", { r: 3.5 });
  return draw("svg", { viewBox: `-5 0 ${WIDTH + 10} ${HEIGHT}`, width: WIDTH + 10, height: HEIGHT, "aria-hidden": "true" },
    draw("path", { d: `M0,${HEIGHT - 4}H${WIDTH}`, class: "floor" }), draw("path", { d: `${path}H${WIDTH}`, class: "line" }), network.dot);
}

/** Write what depends on the cache, and order and choose the rows. */
function showTable({ cache, sort, down, per, find }) {
  const words = find.toLowerCase().split(/[\s,]+/).filter(Boolean);
  for (const network of NETWORKS) {
    network.now = trafficAt(network, cache);
    network.shown = !words.length || words.some((word) => network.label.toLowerCase().includes(word));
  }
  const shown = NETWORKS.filter((network) => network.shown);
  const column = COLUMNS[sort], of = PER[per].of;
  const waiting = column.moves && shown.some((network) => !network.now);
  if (!waiting) {
    const keys = new Map(shown.map((network) => [network, column.value(network)]));
    shown.sort((a, b) => (down ? -1 : 1) * compare(keys.get(a), keys.get(b)) || collator.compare(a.label, b.label));
  }
  const longest = Math.max(...shown.map((n) => (n.now && of(n) ? Math.max(n.now.total, n.compulsory) / of(n) : 0)), 0);
  for (const network of shown) showRow(network, cache, per, longest);
  for (const [name, each] of Object.entries(COLUMNS)) {
    if (each.value) each.cell.setAttribute("aria-sort", name !== sort ? "none" : down ? "descending" : "ascending");
  }
  COLUMNS.bar.cell.firstChild.textContent = PER[per].head;
  const rows = shown.map((network) => network.row), body = $("networks").tBodies[0];
  if (rows.length !== body.rows.length || rows.some((row, i) => row !== body.rows[i])) body.replaceChildren(...rows);
  return shown;
}

function showRow(network, cache, per, longest) {
  const { now, cells } = network;
  network.link.href = `networks/${network.file}.html#${new URLSearchParams({ cache: sizeText(cache) })}`;
  for (const [name, column] of Object.entries(COLUMNS)) {
    if (!column.moves) continue;
    cells[name].textContent = now ? column.show(network) : "…";
    const value = now && column.value(network);
    cells[name].title = now && Number.isInteger(value) && name !== "times" ? exact(value) : "";
  }
  const of = PER[per].of(network), [weights, maps, floor] = cells.bar.firstChild.children;
  const share = (bytes) => (now && of && longest ? `${(100 * bytes) / of / longest}%` : "0");
  weights.style.width = share(now?.weights ?? 0);
  maps.style.width = share(now?.maps ?? 0);
  floor.style.left = share(network.compulsory);
  floor.hidden = !now || !of;
  cells.bar.title = now && of ? PER[per].told(now.total / of) : "";
  network.dot.setAttribute("cx", across(cache) * WIDTH);
  network.dot.setAttribute("cy", now ? network.height(now.total) : HEIGHT);
  network.dot.style.display = now ? "" : "none";
}
