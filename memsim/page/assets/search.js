// Search in an ascending column.

/** Where entries that are at most a value end in an ascending column, or in a stretch of one. */
function countUpTo(column, value, low = 0, high = column.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] <= value) low = middle + 1; else high = middle;
  }
  return low;
}
