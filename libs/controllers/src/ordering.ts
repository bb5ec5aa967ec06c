import type { KubeObject } from '#libs/apimachinery';

/** By namespace and name: an order that is total and the same in every fold of the log. */
export function byName(a: KubeObject, b: KubeObject): number {
  const x = `${a.metadata.namespace ?? ''}/${a.metadata.name ?? ''}`;
  const y = `${b.metadata.namespace ?? ''}/${b.metadata.name ?? ''}`;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Oldest first, then by name. */
export function byCreation(a: KubeObject, b: KubeObject): number {
  const x = a.metadata.creationTimestamp ?? '';
  const y = b.metadata.creationTimestamp ?? '';
  return x < y ? -1 : x > y ? 1 : byName(a, b);
}
