import {
  AUTOUPDATE_SPEC,
  FLOWSCHEMAS,
  MANDATORY_LEVELS,
  MANDATORY_SCHEMAS,
  PRIORITYLEVELCONFIGURATIONS,
  SUGGESTED_LEVELS,
  SUGGESTED_SCHEMAS,
  type FlowSchema,
  type PriorityLevelConfiguration,
} from '#libs/api';
import { deepEqual, type Change, type Controller, type GroupVersionResource } from '#libs/apimachinery';

/** One object of the defaults beside what is there. */
export interface FlowDefaultSnapshot {
  readonly resource: GroupVersionResource;
  readonly wanted: FlowSchema | PriorityLevelConfiguration;
  readonly mandatory: boolean;
  readonly found: FlowSchema | PriorityLevelConfiguration | undefined;
}

type Wanted = Pick<FlowDefaultSnapshot, 'resource' | 'wanted' | 'mandatory'>;

const keyed = (
  resource: GroupVersionResource,
  mandatory: boolean,
  list: readonly Wanted['wanted'][],
): readonly (readonly [string, Wanted])[] =>
  list.map((wanted) => [`${resource.resource}/${wanted.metadata.name ?? ''}`, { resource, wanted, mandatory }]);

const DEFAULTS: ReadonlyMap<string, Wanted> = new Map([
  ...keyed(PRIORITYLEVELCONFIGURATIONS, true, MANDATORY_LEVELS),
  ...keyed(FLOWSCHEMAS, true, MANDATORY_SCHEMAS),
  ...keyed(PRIORITYLEVELCONFIGURATIONS, false, SUGGESTED_LEVELS),
  ...keyed(FLOWSCHEMAS, false, SUGGESTED_SCHEMAS),
]);

/** Whether the server may still change it: it says so, or says nothing and has never been changed. */
function isOurs({ metadata }: Wanted['wanted']): boolean {
  const said = metadata.annotations?.[AUTOUPDATE_SPEC];
  return said === undefined ? (metadata.generation ?? 1) === 1 : said === 'true';
}

function changesFor({ resource, wanted, mandatory, found }: FlowDefaultSnapshot): readonly Change[] {
  if (!found) return [{ verb: 'create', resource, object: wanted }];
  if (!mandatory && !isOurs(found)) return [];
  // The shares of the exempt level are for whoever runs the cluster to set.
  if (wanted.metadata.name === 'exempt' && resource.resource === PRIORITYLEVELCONFIGURATIONS.resource) return [];
  if (deepEqual(found.spec, wanted.spec)) return [];
  return [{ verb: 'update', resource, object: { ...found, spec: wanted.spec } as FlowSchema }];
}

/** Makes the flow schemas and priority levels that every cluster has, and those it starts with, and keeps them so: kube-apiserver's `flowcontrol` hook. */
export const flowControlDefaults: Controller<FlowDefaultSnapshot> = {
  name: 'priority-and-fairness-config-producer',
  actor: 'system:apiserver',
  initialKeys: [...DEFAULTS.keys()],
  watches: [FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS].map((resource) => ({
    resource,
    keys(next, old) {
      const key = `${resource.resource}/${(next ?? old)?.metadata.name ?? ''}`;
      return DEFAULTS.has(key) ? [key] : [];
    },
  })),
  snapshot(key, lister) {
    const wanted = DEFAULTS.get(key);
    if (!wanted) return undefined;
    const found = lister.get(wanted.resource, undefined, wanted.wanted.metadata.name ?? '') as Wanted['wanted'] | undefined;
    return { ...wanted, found };
  },
  reconcile: (snapshot) => ({ changes: changesFor(snapshot) }),
};
