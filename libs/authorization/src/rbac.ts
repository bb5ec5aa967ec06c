import {
  CLUSTERROLEBINDINGS,
  CLUSTERROLES,
  ROLEBINDINGS,
  ROLES,
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type Subject as RbacSubject,
} from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { Attributes, Subject, Verdict } from './attributes.js';
import { ruleAllows } from './rules.js';

/** Where roles and bindings are read. A list that has not changed is to be the same array: it is what the index is kept by. */
export interface RbacSource {
  list(resource: GroupVersionResource, namespace: string | undefined): readonly KubeObject[];
}

type Binding = ClusterRoleBinding | RoleBinding;

/** A binding under the subject by which a user is found in it. */
interface Held {
  readonly binding: Binding;
  readonly subject: RbacSubject;
}

type BySubject = ReadonlyMap<string, readonly Held[]>;

const keyOf = ({ kind, name, namespace = '' }: RbacSubject, bindingNamespace: string): string => {
  if (kind === 'ServiceAccount') return `u:system:serviceaccount:${namespace || bindingNamespace}:${name}`;
  return kind === 'Group' ? `g:${name}` : `u:${name}`;
};

function bySubject(bindings: readonly KubeObject[]): BySubject {
  const found = new Map<string, Held[]>();
  for (const binding of bindings as readonly Binding[]) {
    for (const subject of binding.subjects ?? []) {
      const key = keyOf(subject, binding.metadata.namespace ?? '');
      const held = found.get(key);
      if (held) held.push({ binding, subject });
      else found.set(key, [{ binding, subject }]);
    }
  }
  return found;
}

const byName = (objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
  new Map(objects.map((object) => [object.metadata.name ?? '', object]));

/** What was made of a list, for as long as the list is the same. */
function remembered<T>(make: (objects: readonly KubeObject[]) => T): (objects: readonly KubeObject[]) => T {
  const made = new WeakMap<readonly KubeObject[], { readonly value: T }>();
  return (objects) => {
    const known = made.get(objects);
    if (known) return known.value;
    const value = make(objects);
    made.set(objects, { value });
    return value;
  };
}

const indexBindings = remembered(bySubject);
const indexRoles = remembered(byName);

/** One rule that a user holds, and through what. */
export interface Grant {
  readonly rule: PolicyRule;
  readonly binding: Binding;
  readonly subject: RbacSubject;
}

/** Everything a user holds in a namespace ('' for what is cluster-wide), and what could not be found on the way. */
export interface Grants {
  readonly grants: readonly Grant[];
  readonly problems: readonly string[];
}

const CLUSTER_WIDE = 'ClusterRoleBinding';

/** Resolves bindings and roles: RBAC as upstream's plugin/pkg/auth/authorizer/rbac decides it. */
export class Rbac {
  constructor(private readonly source: RbacSource) {}

  /** Whether RBAC allows it. The reason of a refusal names roles that bindings speak of and that do not exist. */
  authorize(attributes: Attributes): Verdict {
    const problems: string[] = [];
    const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
    for (const held of this.#held(attributes.user, namespace)) {
      const rule = this.#rulesOf(held.binding, problems).find((each) => ruleAllows(each, attributes));
      if (rule !== undefined) return { allowed: true, reason: `RBAC: allowed by ${printed(held)}` };
    }
    return { allowed: false, reason: problems.length === 0 ? '' : `RBAC: ${aggregated(problems)}` };
  }

  /** All rules that a user holds in a namespace, cluster-wide ones included. */
  grantsOf(user: Subject, namespace: string): Grants {
    const problems: string[] = [];
    const grants = this.#held(user, namespace).flatMap(({ binding, subject }) =>
      this.#rulesOf(binding, problems).map((rule) => ({ rule, binding, subject })),
    );
    return { grants, problems };
  }

  /** The rules of the role that a binding refers to; undefined where there is none. */
  rulesOfRole({ kind, name }: { readonly kind: string; readonly name: string }, namespace: string): readonly PolicyRule[] | undefined {
    const resource = kind === 'ClusterRole' ? CLUSTERROLES : ROLES;
    const roles = this.source.list(resource, kind === 'ClusterRole' ? undefined : namespace);
    const role = indexRoles(roles).get(name) as ClusterRole | Role | undefined;
    return role && (role.rules ?? []);
  }

  #held({ name, groups }: Subject, namespace: string): readonly Held[] {
    const keys = [`u:${name}`, ...groups.map((group) => `g:${group}`)];
    const clusterWide = indexBindings(this.source.list(CLUSTERROLEBINDINGS, undefined));
    const found = keys.flatMap((key) => clusterWide.get(key) ?? []);
    if (namespace === '') return found;
    const here = indexBindings(this.source.list(ROLEBINDINGS, namespace));
    return [...found, ...keys.flatMap((key) => here.get(key) ?? [])];
  }

  #rulesOf({ metadata, roleRef }: Binding, problems: string[]): readonly PolicyRule[] {
    const rules = this.rulesOfRole(roleRef, metadata.namespace ?? '');
    if (rules === undefined)
      problems.push(`${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`);
    return rules ?? [];
  }
}

/** Several problems in one sentence, each once, as upstream's aggregated errors. */
const aggregated = (problems: readonly string[]): string => {
  const different = [...new Set(problems)];
  return different.length === 1 ? (different[0] ?? '') : `[${different.join(', ')}]`;
};

function printed({ binding, subject }: Held): string {
  const { kind, metadata, roleRef } = binding;
  const name = kind === CLUSTER_WIDE ? (metadata.name ?? '') : `${metadata.name ?? ''}/${metadata.namespace ?? ''}`;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || (metadata.namespace ?? '')}` : subject.name;
  const of = `${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
  return `${kind} ${JSON.stringify(name)} of ${of}`;
}
