// Units: sizes as people write them, numbers as people read them. As memsim.units does it.

const SI = [["", 1n], ["k", 1000n], ["M", 10n ** 6n], ["G", 10n ** 9n], ["T", 10n ** 12n], ["P", 10n ** 15n]];
const PREFIXES = new Map([
  ...SI, ["K", 1000n],
  ...["K", "M", "G", "T", "P"].map((letter, i) => [`${letter}i`, 1024n ** BigInt(i + 1)]),
  ["ki", 1024n],
]);
const TIMES = [["ps", 1n], ["ns", 1000n], ["us", 10n ** 6n], ["ms", 10n ** 9n], ["s", 10n ** 12n]];
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
const NUMBER = /^([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,3}))?\s*([A-Za-z]*)$/;

/** Whole bytes of a text such as "2MB", "2 MiB", "4096"; throws an Error that tells why not. */
function parseBytes(text) {
  const trimmed = text.trim();
  if (!trimmed) throw new Error("enter a size such as 2MB, 2MiB or a number of bytes");
  const found = trimmed.length <= 64 && NUMBER.exec(trimmed);
  if (!found) throw new Error("expected a size such as 2MB, 2MiB or a number of bytes");
  const [, sign, digits, exponent, unit] = found;
  const factor = PREFIXES.get(unit.endsWith("B") ? unit.slice(0, -1) : unit);
  if (factor === undefined) throw new Error(`unknown unit “${unit}”; known: B, kB, MB, GB, KiB, MiB, GiB`);
  const [whole, fraction = ""] = digits.split(".");
  const shift = Number(exponent ?? 0) - fraction.length;
  let amount = BigInt(whole + fraction) * factor;
  if (sign === "-" && amount) throw new Error("a size must not be negative");
  if (Math.abs(Number(exponent ?? 0)) > 30) throw new Error("the exponent is too far from zero");
  if (shift >= 0) amount *= 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    if (amount % divisor) throw new Error("it must be a whole number of bytes");
    amount /= divisor;
  }
  if (amount > LARGEST) throw new Error(`at most ${exact(Number(LARGEST))}`);
  return Number(amount);
}

/** Every byte, grouped by thousands. */
function exact(bytes) {
  return `${grouped(bytes)} B`;
}

function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Three significant digits under the largest prefix that fits; halves go to the even digit. */
function scaled(number, units, suffix) {
  if (!number) return `0 ${suffix || "s"}`;
  const value = BigInt(Math.round(number));
  let text = "", unit = "";
  for (const [name, step] of units) {
    if (text && Number(text) * Number(unit[1]) < Number(step)) break;
    unit = [name, step];
    text = threeDigits(value, step);
  }
  return `${text} ${unit[0]}${suffix}`.trim();
}

function threeDigits(value, step) {
  if (step === 1n && value < 1000n) return String(value);
  for (let places = 2; places >= 0; places -= 1) {
    const scale = 10n ** BigInt(places);
    const twice = 2n * value * scale;
    let rounded = twice / step / 2n;
    const rest = twice - 2n * rounded * step;
    if (rest > step || (rest === step && rounded % 2n)) rounded += 1n;
    if (rounded < 1000n || !places) {
      const digits = String(rounded).padStart(places + 1, "0");
      return places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
    }
  }
  return "";
}

const formatBytes = (bytes) => scaled(bytes, SI, "B");
const formatCount = (count) => scaled(count, SI, "").replace(/ s$/, "");
const formatTime = (picoseconds) => scaled(picoseconds, TIMES, "");

/** Without needless digits, for the ticks of an axis: 0, 500 kB, 2 MB. */
function shortBytes(bytes) {
  if (!bytes) return "0";
  const [number, unit] = formatBytes(bytes).split(" ");
  return `${number.includes(".") ? number.replace(/\.?0+$/, "") : number} ${unit}`;
}

/** Times likewise: 0, 20 us, 1.5 ms. */
function shortTime(picoseconds) {
  if (!picoseconds) return "0";
  const [number, unit] = formatTime(picoseconds).split(" ");
  return `${number.includes(".") ? number.replace(/\.?0+$/, "") : number} ${unit}`;
}

/** The shortest text that parseBytes reads as exactly this many bytes. */
function sizeText(bytes) {
  for (const [unit, step] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (bytes && bytes % step === 0 && bytes / step < 10000) return `${bytes / step} ${unit}`;
  }
  const short = shortBytes(bytes);
  return bytes && parseBytes(short) === bytes ? short : `${bytes} B`;
}

function times(number, base) {
  return base ? `${(number / base).toFixed(2)}\u00a0×` : "–";
}

function clip(text, most = 44) {
  return text.length > most ? `${text.slice(0, most - 12)}…${text.slice(-11)}` : text;
}
