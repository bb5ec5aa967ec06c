import { apiVersionOf } from '#libs/apimachinery';
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

/** Upstream's order of groups: clients that look for a short name take the first group that has it. */
const ORDER: readonly string[] = [
  '',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
];
const rank = (group: string): number => (ORDER.includes(group) ? ORDER.indexOf(group) : ORDER.length);

/** The served groups with their versions, the preferred one first; upstream's order, then by name. */
export function groupsOf(definitions: readonly ResourceDefinition[]): readonly (readonly [group: string, versions: readonly string[]])[] {
  const versions = new Map<string, Set<string>>();
  for (const { resource } of servedOf(definitions)) {
    const known = versions.get(resource.group) ?? new Set();
    versions.set(resource.group, known.add(resource.version));
  }
  return [...versions]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([group, known]) => [group, [...known].sort(byPreference)] as const);
}

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
