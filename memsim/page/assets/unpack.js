// Facts as memsim.page.template packs them: JSON, as gzip (RFC 1951 and 1952) and in base64.
// A browser's own way to inflate comes later than the page: what is printed at once would be empty.

/** The codes of symbols of given lengths: how many have each length, and the symbols in order. */
function codesOf(lengths) {
  const counts = new Uint16Array(16), places = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
  for (const length of lengths) if (length) counts[length] += 1;
  for (let length = 1; length < 15; length += 1) places[length + 1] = places[length] + counts[length];
  lengths.forEach((length, symbol) => { if (length) { symbols[places[length]] = symbol; places[length] += 1; } });
  return { counts, symbols };
}

/** The first of each range of lengths or distances, and how many more bits tell which it is. */
function ranges(first, bits) {
  return bits.map((count) => { const range = [first, count]; first += 2 ** count; return range; });
}

/** Of a count of ranges the bits: one more for every few. */
const more = (count, each) => Array.from({ length: count }, (_, i) => Math.max(0, Math.floor(i / each) - 1));
const LENGTHS = [...ranges(3, more(28, 4)), [258, 0]], DISTANCES = ranges(1, more(30, 2));
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const filled = (...runs) => runs.flatMap(([count, value]) => Array(count).fill(value));
const FIXED = [codesOf(filled([144, 8], [112, 9], [24, 7], [8, 8])), codesOf(filled([30, 5]))];

/** What a gzip file holds. */
function gunzipped(file) {
  const found = new Uint8Array(new DataView(file.buffer).getUint32(file.length - 4, true));
  let at = 10, bit = 0, end = 0;
  const bits = (count) => {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      value |= ((file[at] >> bit) & 1) << i;
      bit += 1;
      if (bit === 8) { bit = 0; at += 1; }
    }
    return value;
  };
  const symbol = ({ counts, symbols }) => {
    for (let code = 0, first = 0, place = 0, length = 1; ; length += 1) {
      code |= bits(1);
      if (code - first < counts[length]) return symbols[place + code - first];
      place += counts[length];
      first = (first + counts[length]) << 1;
      code <<= 1;
    }
  };
  const codes = () => {
    const [literals, distances, own] = [bits(5) + 257, bits(5) + 1, bits(4) + 4], lengths = Array(19).fill(0), all = [];
    for (let i = 0; i < own; i += 1) lengths[LENGTH_ORDER[i]] = bits(3);
    const code = codesOf(lengths);
    while (all.length < literals + distances) {
      const told = symbol(code);
      if (told < 16) all.push(told);
      else if (told === 16) all.push(...filled([3 + bits(2), all.at(-1)]));
      else all.push(...filled([told === 17 ? 3 + bits(3) : 11 + bits(7), 0]));
    }
    return [codesOf(all.slice(0, literals)), codesOf(all.slice(literals))];
  };
  const stored = () => {
    if (bit) { bit = 0; at += 1; }
    const count = file[at] | (file[at + 1] << 8);
    found.set(file.subarray(at + 4, at + 4 + count), end);
    at += 4 + count;
    end += count;
  };
  const coded = ([literals, distances]) => {
    for (let told = symbol(literals); told !== 256; told = symbol(literals)) {
      if (told < 256) { found[end] = told; end += 1; continue; }
      const range = (from, each) => from[each][0] + bits(from[each][1]);
      const count = range(LENGTHS, told - 257), back = range(DISTANCES, symbol(distances));
      for (let i = 0; i < count; i += 1, end += 1) found[end] = found[end - back];
    }
  };
  for (let last = 0; !last;) {
    last = bits(1);
    const kind = bits(2);
    if (!kind) stored(); else coded(kind === 1 ? FIXED : codes());
  }
  return found;
}

function unpacked(text) {
  const raw = atob(text), file = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) file[i] = raw.charCodeAt(i);
  return JSON.parse(new TextDecoder().decode(gunzipped(file)));
}

const factsIn = (id) => unpacked(document.getElementById(id).textContent);
