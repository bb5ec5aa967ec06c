/** A range of numbers from which free ones are drawn: those above `reserved` first, as upstream keeps the lower ones for explicit requests. */
export interface Pool {
  readonly first: number;
  readonly last: number;
  /** How many of the first numbers are drawn only when all others are taken. */
  readonly reserved: number;
}

/** Upstream's bound for ranges of addresses: a sixteenth of the range, at least 16 and at most 256. */
export function addressPool(first: number, last: number): Pool {
  const size = last - first + 1;
  const reserved = size < 16 ? 0 : Math.min(256, Math.max(16, Math.floor(size / 16)));
  return { first, last, reserved: reserved >= size ? 0 : reserved };
}

/** Upstream's bound for ranges of ports: a thirty-second of the range, at least 16 and at most 128. */
export function portPool([first, last]: readonly [number, number]): Pool {
  const size = last - first + 1;
  return { first, last, reserved: size <= 16 ? 0 : Math.min(128, Math.max(16, Math.floor(size / 32))) };
}

function searched(first: number, last: number, draw: number, free: (value: number) => boolean): number | undefined {
  const size = last - first + 1;
  if (size <= 0) return undefined;
  const start = Math.floor(draw * size);
  for (let i = 0; i < size; i++) {
    const value = first + ((start + i) % size);
    if (free(value)) return value;
  }
  return undefined;
}

/** A free number, looked for from where the draw says onwards; undefined where all are taken. */
export const drawn = ({ first, last, reserved }: Pool, draw: number, free: (value: number) => boolean): number | undefined =>
  searched(first + reserved, last, draw, free) ?? searched(first, first + reserved - 1, draw, free);
