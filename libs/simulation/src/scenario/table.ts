import type { ResourceDefinition } from '#libs/api';
import type { Instant, KubeObject } from '#libs/apimachinery';

/** Rows in columns as wide as their widest cell, as kubectl lays them out. */
export function laidOut(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** Objects as `kubectl get` prints them, with the printer columns of their kind. */
export function objectTable(
  definition: ResourceDefinition,
  objects: readonly KubeObject[],
  now: Instant,
  wide: boolean,
  namespaced: boolean,
): string {
  const columns = definition.columns.filter(({ priority }) => wide || priority === 0);
  const header = columns.map(({ name }) => name.toUpperCase());
  const rows = objects.map((object) => columns.map(({ cell }) => String(cell(object, now) ?? '<none>')));
  const all = [header, ...rows];
  if (!namespaced) return laidOut(all);
  return laidOut(all.map((row, i) => [i === 0 ? 'NAMESPACE' : (objects[i - 1]?.metadata.namespace ?? ''), ...row]));
}
