import { DEFAULT_POLICY, uncovered, type DefaultObjects } from '#libs/authorization';
import { NAMESPACES, type ClusterRole, type ClusterRoleBinding, type Subject } from '#libs/api';
import { deepEqual, type Change, type Controller, type GroupVersionResource, type KubeObject, type Lister } from '#libs/apimachinery';

const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** One object of the default policy, beside what is there. */
export interface PolicyPair {
  readonly resource: GroupVersionResource;
  readonly wanted: KubeObject;
  readonly found: KubeObject | undefined;
}

/** The part of the default policy that one key is about. */
export interface PolicySnapshot {
  readonly pairs: readonly PolicyPair[];
}

const keyOf = ({ resource }: GroupVersionResource, namespace = ''): string => `${resource}/${namespace}`;

/** Everything of one resource in one namespace, or cluster-wide. */
interface Part extends DefaultObjects {
  readonly namespace: string;
}

const PARTS: ReadonlyMap<string, Part> = new Map(
  DEFAULT_POLICY.flatMap(({ resource, objects }) => {
    const namespaces = [...new Set(objects.map(({ metadata }) => metadata.namespace ?? ''))];
    return namespaces.map((namespace) => {
      const here = objects.filter(({ metadata }) => (metadata.namespace ?? '') === namespace);
      return [keyOf(resource, namespace), { resource, objects: here, namespace }] as const;
    });
  }),
);

type RoleLike = Pick<ClusterRole, 'rules' | 'aggregationRule'> & KubeObject;
type BindingLike = Partial<Pick<ClusterRoleBinding, 'subjects' | 'roleRef'>> & KubeObject;

const sameSubject = (a: Subject, b: Subject): boolean =>
  a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');

/** The members of `wanted` that are not there, added; nothing is ever taken away. */
const withMissing = <T>(
  found: Readonly<Record<string, T>> = {},
  wanted: Readonly<Record<string, T>> = {},
): Readonly<Record<string, T>> => ({
  ...wanted,
  ...found,
});

function broughtUpToDate(found: RoleLike & BindingLike, wanted: RoleLike & BindingLike): RoleLike & BindingLike {
  const metadata = {
    ...found.metadata,
    labels: withMissing(found.metadata.labels, wanted.metadata.labels),
    annotations: withMissing(found.metadata.annotations, wanted.metadata.annotations),
  };
  if (wanted.roleRef !== undefined) {
    const subjects = found.subjects ?? [];
    const missing = (wanted.subjects ?? []).filter((subject) => !subjects.some((each) => sameSubject(each, subject)));
    return { ...found, metadata, ...(missing.length === 0 ? {} : { subjects: [...subjects, ...missing] }) };
  }
  if (wanted.aggregationRule) return { ...found, metadata, aggregationRule: found.aggregationRule ?? wanted.aggregationRule };
  const rules = found.rules ?? [];
  const missing = uncovered(rules, wanted.rules ?? []);
  return { ...found, metadata, ...(missing.length === 0 ? {} : { rules: [...rules, ...missing] }) };
}

function changesFor({ resource, wanted, found }: PolicyPair): readonly Change[] {
  if (!found) return [{ verb: 'create', resource, object: wanted }];
  if (found.metadata.annotations?.[AUTOUPDATE] === 'false') return [];
  const next = broughtUpToDate(found as RoleLike & BindingLike, wanted as RoleLike & BindingLike);
  const { roleRef } = wanted as BindingLike;
  if (roleRef !== undefined && !deepEqual((found as BindingLike).roleRef, roleRef)) {
    const { name = '', namespace, uid } = found.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    return [{ verb: 'delete', resource, name, ...(namespace === undefined ? {} : { namespace }), ...preconditions }];
  }
  return deepEqual(next, found) ? [] : [{ verb: 'update', resource, object: next }];
}

function pairsOf({ resource, objects, namespace }: Part, lister: Lister): readonly PolicyPair[] {
  return objects.map((wanted) => ({
    resource,
    wanted,
    found: lister.get(resource, namespace === '' ? undefined : namespace, wanted.metadata.name ?? ''),
  }));
}

/**
 * Brings upstream's default roles and bindings up to date when the cluster starts: what is missing is made, rules and
 * subjects that are missing are added, nothing is taken away, and what says so is left alone (upstream's post-start
 * hook `rbac/bootstrap-roles`).
 */
export const rbacDefaultsController: Controller<PolicySnapshot> = {
  name: 'rbac-defaults',
  actor: 'system:apiserver',
  initialKeys: [...PARTS.keys()],
  watches: [
    {
      resource: NAMESPACES,
      keys: (next, old) => (next && !old ? [...PARTS.keys()].filter((key) => PARTS.get(key)?.namespace === next.metadata.name) : []),
    },
  ],
  snapshot(key, lister) {
    const part = PARTS.get(key);
    if (!part) return undefined;
    if (part.namespace !== '' && !lister.get(NAMESPACES, undefined, part.namespace)) return undefined;
    return { pairs: pairsOf(part, lister) };
  },
  reconcile: ({ pairs }) => ({ changes: pairs.flatMap(changesFor) }),
};
