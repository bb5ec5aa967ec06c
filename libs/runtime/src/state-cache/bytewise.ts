/**
 * Orders two strings as their UTF-8 bytes are ordered, which is how etcd lists and Postgres' "C" collation sorts.
 * JavaScript's own order differs above U+FFFF, where surrogates sort below U+E000.
 */
export function compareBytewise(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogates = (x & 0xf800) === 0xd800 ? 1 : 0;
    const others = (y & 0xf800) === 0xd800 ? 1 : 0;
    return surrogates === others ? x - y : surrogates - others;
  }
  return a.length - b.length;
}

/** Where `key` is in a sorted array, or `-(index + 1)` where it would have to be inserted. */
export function findSorted<T>(sorted: readonly T[], key: string, keyOf: (item: T) => string): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareBytewise(keyOf(sorted[middle] as T), key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -(low + 1);
}
