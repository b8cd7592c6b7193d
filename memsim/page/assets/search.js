// Search in an ascending column.

/** The number of entries that are at most a value, in an ascending column. */
function countUpTo(column, value) {
  let low = 0, high = column.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] <= value) low = middle + 1; else high = middle;
  }
  return low;
}
