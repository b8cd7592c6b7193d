// Columns as memsim.page.varints packs them.

function varints(text) {
  const raw = atob(text), found = [];
  let value = 0, scale = 1;
  for (let i = 0; i < raw.length; i += 1) {
    const digit = raw.charCodeAt(i);
    value += (digit & 127) * scale;
    if (digit < 128) { found.push(value); value = 0; scale = 1; } else scale *= 128;
  }
  return Float64Array.from(found);
}

function deltas(text) {
  const found = varints(text);
  for (let i = 1; i < found.length; i += 1) found[i] += found[i - 1];
  return found;
}

