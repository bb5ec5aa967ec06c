import { apiVersionOf } from '#libs/apimachinery';
import { priorityOf } from '../apiregistration/v1/priorities.js';
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

/** The served groups with their versions, the preferred one first; upstream's order, then by name. */
export function groupsOf(definitions: readonly ResourceDefinition[]): readonly (readonly [group: string, versions: readonly string[]])[] {
  const versions = new Map<string, Set<string>>();
  for (const { resource } of servedOf(definitions)) {
    const known = versions.get(resource.group) ?? new Set();
    versions.set(resource.group, known.add(resource.version));
  }
  return [...versions]
    .sort(([a], [b]) => placeOf(b) - placeOf(a) || (a < b ? -1 : 1))
    .map(([group, known]) => [group, [...known].sort(byPreference)] as const);
}

/** Clients that look for a short name take the first group that has it. */
const placeOf = (group: string): number => priorityOf({ group, version: '' }).group;

/** Stable versions before betas before alphas, newer ones first. */
function byPreference(a: string, b: string): number {
  const [left, right] = [parsed(a), parsed(b)];
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parsed(version: string): { readonly stability: number; readonly major: number; readonly minor: number } {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  return { stability: stage === undefined ? 2 : stage === 'beta' ? 1 : 0, major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** Where a group and version is served: `api/v1`, `apis/apps/v1`. */
export const rootPath = (groupVersion: GroupVersion): string =>
  groupVersion.group === '' ? `api/${groupVersion.version}` : `apis/${apiVersionOf(groupVersion)}`;
