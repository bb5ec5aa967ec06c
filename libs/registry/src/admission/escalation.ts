import {
  ClusterAuthorizer,
  compacted,
  PRIVILEGED_GROUP,
  printedRule,
  uncovered,
  type Attributes as Asked,
  type Subject,
} from '#libs/authorization';
import { RBAC_GROUP, type ClusterRole, type ClusterRoleBinding, type PolicyRule, type RoleBinding } from '#libs/api';
import { deepEqual, forbidden, notFound, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { Attributes, ValidatingPlugin } from './plugin.js';

type Named = { readonly verb: string; readonly resource: string; readonly namespace: string; readonly name: string };

/** What a person who asks holds, by the roles and bindings as they are. */
class Holder {
  readonly #cluster: ClusterAuthorizer;

  constructor(
    private readonly given: Case,
    private readonly user: Subject,
  ) {
    const { read } = given;
    this.#cluster = new ClusterAuthorizer({
      get: (resource, namespace, name) => read.object(resource, namespace ?? '', name)?.object,
      list: (resource, namespace) => read.list(resource, namespace),
    });
  }

  may({ verb, resource, namespace, name }: Named): boolean {
    const asked: Asked = { kind: 'resource', user: this.user, verb, group: RBAC_GROUP, resource, subresource: '', namespace, name };
    return this.#cluster.authorize(asked).allowed;
  }

  rulesOfRole(roleRef: RoleBinding['roleRef'], namespace: string): readonly PolicyRule[] {
    const rules = this.#cluster.rbac.rulesOfRole(roleRef, namespace);
    if (rules) return rules;
    throw notFound({ group: RBAC_GROUP, resource: roleRef.kind.toLowerCase() }, roleRef.name);
  }

  /** Undefined where the rules hold nothing new to the user; else upstream's sentence. */
  gain(rules: readonly PolicyRule[], namespace: string): string | undefined {
    const { grants, problems } = this.#cluster.rbac.grantsOf(this.user, namespace);
    const missing = uncovered(
      grants.map(({ rule }) => rule),
      rules,
    );
    if (missing.length === 0) return undefined;
    const lines = compacted(missing).map(printedRule).sort();
    const groups = `[${this.user.groups.map((group) => JSON.stringify(group)).join(' ')}]`;
    const resolution = problems.length === 0 ? '' : `; resolution errors: [${problems.join(', ')}]`;
    const who = `user ${JSON.stringify(this.user.name)} (groups=${groups})`;
    return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${resolution}`;
  }
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Whether an update moves nothing but what the garbage collector has to move. */
function isForCollectorAlone(object: KubeObject, old: KubeObject | undefined): boolean {
  if (!old) return false;
  const { finalizers: _f, ownerReferences: _o, managedFields: _m, ...metadata } = object.metadata;
  const { finalizers: _of, ownerReferences: _oo, managedFields: _om, ...oldMetadata } = old.metadata;
  return deepEqual({ ...object, metadata }, { ...old, metadata: oldMetadata });
}

function checkRole(object: ClusterRole, attributes: Attributes, given: Case, holder: Holder): void {
  const { resource } = given.definition;
  const { name, namespace } = attributes;
  if (holder.may({ verb: 'escalate', resource: resource.resource, namespace, name })) return;
  const gain = holder.gain(object.rules ?? [], namespace);
  if (gain !== undefined) throw forbidden(resource, name, gain);
  if (!object.aggregationRule) return;
  const all = holder.gain(EVERYTHING, '');
  if (all !== undefined) throw forbidden(resource, name, `must have cluster-admin privileges to use an aggregationRule: ${all}`);
}

function checkBinding(object: ClusterRoleBinding | RoleBinding, attributes: Attributes, given: Case, holder: Holder): void {
  const { roleRef } = object;
  const { namespace, name } = attributes;
  const roles = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (holder.may({ verb: 'bind', resource: roles, namespace, name: roleRef.name })) return;
  const gain = holder.gain(holder.rulesOfRole(roleRef, namespace), namespace);
  if (gain !== undefined) throw forbidden(given.definition.resource, name, gain);
}

/** Nobody grants what he does not hold, unless he may `escalate` or `bind` (upstream's registry/rbac `policybased`). */
export const escalation: ValidatingPlugin = {
  name: 'RBACEscalation',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, given) {
    const { actor, client } = given.request.requester;
    const { object, old } = attributes;
    if (given.definition.resource.group !== RBAC_GROUP || client !== true || object === undefined) return undefined;
    const user: Subject = { name: actor.user, groups: actor.groups ?? [] };
    if (user.groups.includes(PRIVILEGED_GROUP) || isForCollectorAlone(object, old)) return undefined;
    const holder = new Holder(given, user);
    if (given.definition.kind.endsWith('Binding')) checkBinding(object as RoleBinding, attributes, given, holder);
    else checkRole(object as ClusterRole, attributes, given, holder);
    return undefined;
  },
};
