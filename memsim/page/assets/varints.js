// Columns as memsim.page.varints packs them.

function varints(text) {
  const raw = atob(text), found = new Float64Array(raw.length);  // a number has a digit at least
  let value = 0, scale = 1, count = 0;
  for (let i = 0; i < raw.length; i += 1) {
    const digit = raw.charCodeAt(i);
    value += (digit & 127) * scale;
    if (digit < 128) { found[count] = value; count += 1; value = 0; scale = 1; } else scale *= 128;
  }
  return found.subarray(0, count);
}

function deltas(text) {
  const found = varints(text);
  for (let i = 1; i < found.length; i += 1) found[i] += found[i - 1];
  return found;
}

/** A column that never rises: its first number, then by how much it falls. */
function falling(text) {
  const found = varints(text);
  for (let i = 1; i < found.length; i += 1) found[i] = found[i - 1] - found[i];
  return found;
}
