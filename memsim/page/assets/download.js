// Downloads: what a chart shows as a picture, and its numbers as a table.

function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A cell of CSV; a spreadsheet takes no name for a formula. */
function cell(value) {
  let text = String(value ?? "");
  if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvText = ({ heads, rows }) => [heads, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");

const SHARPER = 2;  // pixels of the picture for one of the screen

/** The chart under its title and above the legend that stands beside it, on the page's ground. */
function pictureOf(plot) {
  const { svg } = plot.shown, wide = svg.width.baseVal.value, copy = svg.cloneNode(true);
  const items = legendsOf(plot).flatMap((list) => [...list.querySelectorAll("li:not(.note)")]);
  const head = 40, below = [];
  let x = 16, row = 0;
  for (const item of items) {
    const look = item.look, text = item.querySelector("b").textContent, long = 42 + text.length * 7;
    if (x > 16 && x + long > wide - 16) { x = 16; row += 1; }
    const mid = head + svg.height.baseVal.value + 14 + row * 20;
    below.push(item.querySelector("svg")
      ? drawn("path", { d: `M${x},${mid}h26`, stroke: colour(look), "stroke-width": 2.5, "stroke-dasharray": dashOf(look) })
      : drawn("rect", { x, y: mid - 7, width: 18, height: 14, rx: 3, fill: colour(look) }));
    if (item.querySelector("svg")) below.push(drawn("path", { d: SYMBOLS[look.symbol], fill: colour(look), transform: `translate(${x + 13},${mid})` }));
    below.push(drawn("text", { x: x + 32, y: mid + 4, fill: variable("--text") }, text));
    x += long;
  }
  const tall = head + svg.height.baseVal.value + (items.length ? 32 + row * 20 : 8);
  copy.querySelector(".above").replaceChildren();
  copy.setAttribute("y", head);
  return drawn("svg", { xmlns: space, width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, "font-family": variable("--font"), "font-size": 12 },
    drawn("rect", { width: wide, height: tall, fill: variable("--ground") }),
    drawn("text", { x: 16, y: 25, "font-size": 14, "font-weight": 600, fill: variable("--text") }, plot.title()), copy, ...below);
}

/** The legends of a chart: those in its figure, or else those its section has for it. */
function legendsOf({ element, legend: id }) {
  return id ? [$(id)] : [...element.closest("figure").querySelectorAll(".legend")];
}

function savePicture(plot) {
  const picture = pictureOf(plot), image = new Image();
  const [width, height] = [picture.width.baseVal.value, picture.height.baseVal.value];
  image.onload = () => {
    const canvas = make("canvas", { width: width * SHARPER, height: height * SHARPER });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(blob, `${plot.file()}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(picture))}`;
}

/** The buttons below a chart. */
function tools(plot) {
  const button = (text, title, act) => {
    const made = make("button", { type: "button", className: "tool", title }, text);
    made.addEventListener("click", act);
    return made;
  };
  plot.whole = button("whole axis", "Show the whole axis again", () => { plot.zoom = null; draw(plot); });
  plot.whole.hidden = true;
  plot.tools = make("div", { className: "tools", role: "group" }, plot.whole,
    button("PNG", "Download the chart as a picture", () => { draw(plot); savePicture(plot); }),
    button("CSV", "Download the chart's numbers", () => save(new Blob([csvText(plot.csv())], { type: "text/csv" }), `${plot.file()}.csv`)));
  return plot.tools;
}
