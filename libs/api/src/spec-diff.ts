import { deepEqual, isJsonObject } from '#libs/apimachinery';

const MOST_LINES = 40;

const shown = (value: unknown): string => (value === undefined ? 'nil' : JSON.stringify(value));

function collect(lines: string[], path: string, old: unknown, next: unknown): void {
  if (lines.length > MOST_LINES || deepEqual(old, next)) return;
  if (Array.isArray(old) && Array.isArray(next) && old.length === next.length) {
    for (let i = 0; i < old.length; i++) collect(lines, `${path}[${i}]`, old[i], next[i]);
  } else if (isJsonObject(old) && isJsonObject(next)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])].sort();
    for (const key of keys) collect(lines, path === '' ? key : `${path}.${key}`, old[key], next[key]);
  } else lines.push(`- ${path}: ${shown(old)}`, `+ ${path}: ${shown(next)}`);
}

/** Where two values differ, a line for each old and new member, for people to read; cut short where they differ much. */
export function specDiff(old: unknown, next: unknown): string {
  const lines: string[] = [];
  collect(lines, '', old, next);
  return lines
    .slice(0, MOST_LINES)
    .map((line) => `  ${line}\n`)
    .join('');
}
