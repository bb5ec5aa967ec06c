import { apiVersionOf } from '#libs/apimachinery';
import { priorityOf, type Priority } from '../apiregistration/v1/priorities.js';
import { isServed } from '../catalog.js';
import type { ResourceDefinition } from '../definition.js';

/** A group and a version as discovery and documents are asked for them. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** What is served: a definition without verbs is stored only. */
export const servedOf = (definitions: readonly ResourceDefinition[]): readonly ResourceDefinition[] => definitions.filter(isServed);

/** The served resources of one group and version, sorted by name as upstream lists them. */
export const resourcesOf = ({ group, version }: GroupVersion, definitions: readonly ResourceDefinition[]): readonly ResourceDefinition[] =>
  servedOf(definitions)
    .filter(({ resource }) => resource.group === group && resource.version === version)
    .sort((a, b) => (a.resource.resource < b.resource.resource ? -1 : 1));

/** A group and version that another server answers for. */
export interface PlacedGroupVersion extends GroupVersion {
  readonly priority: Priority;
}

/**
 * The served groups with their versions, the preferred one first: by the priorities of their APIServices, then by name.
 * `others`: what other servers answer for.
 */
export function groupsOf(
  definitions: readonly ResourceDefinition[],
  others: readonly PlacedGroupVersion[] = [],
): readonly (readonly [group: string, versions: readonly string[]])[] {
  const groups = new Map<string, { place: number; readonly versions: Map<string, number> }>();
  const place = ({ group, version }: GroupVersion, priority: Priority): void => {
    const known = groups.get(group) ?? { place: 0, versions: new Map<string, number>() };
    known.place = Math.max(known.place, priority.group);
    known.versions.set(version, priority.version);
    groups.set(group, known);
  };
  for (const { resource } of servedOf(definitions)) place(resource, priorityOf(resource));
  for (const other of others) place(other, other.priority);
  return [...groups]
    .sort(([a, left], [b, right]) => right.place - left.place || (a < b ? -1 : 1))
    .map(
      ([group, { versions }]) =>
        [group, [...versions].sort(([a, x], [b, y]) => y - x || byPreference(a, b)).map(([name]) => name)] as const,
    );
}

/** Stable versions before betas before alphas, newer ones first; then what has another form, by name (apimachinery `util/version`). */
export function byPreference(a: string, b: string): number {
  const [left, right] = [parsed(a), parsed(b)];
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor || (a < b ? -1 : a > b ? 1 : 0);
}

function parsed(version: string): { readonly stability: number; readonly major: number; readonly minor: number } {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return { stability: -1, major: 0, minor: 0 };
  const [, major, stage, minor] = match;
  return { stability: stage === undefined ? 2 : stage === 'beta' ? 1 : 0, major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** Where a group and version is served: `api/v1`, `apis/apps/v1`. */
export const rootPath = (groupVersion: GroupVersion): string =>
  groupVersion.group === '' ? `api/${groupVersion.version}` : `apis/${apiVersionOf(groupVersion)}`;
