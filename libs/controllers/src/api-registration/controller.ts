import {
  apiServiceName,
  APISERVICES,
  CUSTOMRESOURCEDEFINITIONS,
  DEFINITIONS,
  groupsOf,
  priorityOf,
  type APIService,
  type GroupVersion,
} from '#libs/api';
import { deepEqual, type Controller, type KubeObject, type Lister, type WatchRule } from '#libs/apimachinery';
import { ownKey } from '../watching.js';

/** Says that an APIService is kept here: `onstart` of what is built in, `true` of what custom resources add. */
const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';

/** Groups whose kinds are answered and never stored, so that no definition is among those that are. */
const ANSWERED: readonly GroupVersion[] = [
  { group: 'authentication.k8s.io', version: 'v1' },
  { group: 'authorization.k8s.io', version: 'v1' },
];
/** The group of APIServices has none of its own: who asks for it always means this server. */
const OWN_GROUP = APISERVICES.group;

/** By the name of its APIService, every group and version that is built in. */
const BUILT_IN: ReadonlyMap<string, GroupVersion> = new Map(
  [...groupsOf(DEFINITIONS).flatMap(([group, versions]) => versions.map((version) => ({ group, version }))), ...ANSWERED]
    .filter(({ group }) => group !== OWN_GROUP)
    .map((groupVersion) => [apiServiceName(groupVersion), groupVersion] as const),
);

/** The part of a CustomResourceDefinition that says which versions there are. */
interface Definition extends KubeObject {
  readonly spec?: { readonly group?: string; readonly versions?: readonly { readonly name?: string; readonly served?: boolean }[] };
}

function servedBy(object: KubeObject): readonly GroupVersion[] {
  const { group = '', versions = [] } = (object as Definition).spec ?? {};
  return versions.flatMap(({ name = '', served }) => (served === true ? [{ group, version: name }] : []));
}

const changedDefinitions: WatchRule = {
  resource: CUSTOMRESOURCEDEFINITIONS,
  keys: (next, old) => [next, old].flatMap((object) => (object ? servedBy(object).map(apiServiceName) : [])),
};

/** What is registered under a name, and what is to be. */
export interface RegistrationSnapshot {
  readonly current: APIService | undefined;
  readonly wanted: GroupVersion | undefined;
  readonly managed: 'onstart' | 'true';
}

function wantedOf(key: string, lister: Lister): Pick<RegistrationSnapshot, 'wanted' | 'managed'> {
  const builtIn = BUILT_IN.get(key);
  if (builtIn) return { wanted: builtIn, managed: 'onstart' };
  const wanted = lister
    .list(CUSTOMRESOURCEDEFINITIONS)
    .flatMap(servedBy)
    .find((groupVersion) => apiServiceName(groupVersion) === key);
  return { wanted, managed: 'true' };
}

function desired(groupVersion: GroupVersion, managed: string): APIService {
  const { group, version } = priorityOf(groupVersion);
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: apiServiceName(groupVersion), labels: { [AUTOMANAGED]: managed } },
    spec: { group: groupVersion.group, version: groupVersion.version, groupPriorityMinimum: group, versionPriority: version },
  };
}

/** The spec as the server stores it: what is empty is not there. */
const stored = ({ spec }: APIService): unknown =>
  JSON.parse(JSON.stringify({ ...spec, group: spec?.group === '' ? undefined : spec?.group }));

/**
 * Registers every group and version that this server answers for with an APIService of its own, as upstream's
 * `autoregister` and `crd-autoregister` controllers. Somebody else's APIService of the name is left alone.
 */
export const apiRegistrationController: Controller<RegistrationSnapshot> = {
  name: 'api-registration',
  actor: 'system:apiserver',
  initialKeys: [...BUILT_IN.keys()],
  watches: [ownKey(APISERVICES), changedDefinitions],
  snapshot(key, lister) {
    const current = lister.get(APISERVICES, undefined, key) as APIService | undefined;
    return { current, ...wantedOf(key, lister) };
  },
  reconcile({ current, wanted, managed }) {
    const mine = current?.metadata.labels?.[AUTOMANAGED];
    if (!wanted) {
      const { uid, name = '' } = current?.metadata ?? {};
      if (mine !== 'true' || uid === undefined) return { changes: [] };
      return { changes: [{ verb: 'delete', resource: APISERVICES, name, preconditions: { uid } }] };
    }
    const object = desired(wanted, managed);
    if (!current) return { changes: [{ verb: 'create', resource: APISERVICES, object }] };
    if (mine === undefined || (mine === managed && deepEqual(stored(current), stored(object)))) return { changes: [] };
    const labels = { ...current.metadata.labels, [AUTOMANAGED]: managed };
    const next: APIService = { ...current, metadata: { ...current.metadata, labels }, ...(object.spec ? { spec: object.spec } : {}) };
    return { changes: [{ verb: 'update', resource: APISERVICES, object: next }] };
  },
};
