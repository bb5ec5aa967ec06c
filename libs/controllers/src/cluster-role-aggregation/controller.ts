import { CLUSTERROLES, type ClusterRole, type PolicyRule } from '#libs/api';
import { deepEqual, labelSelectorOf, type Controller } from '#libs/apimachinery';
import { byName } from '../ordering.js';

/** A role that gathers rules, beside all roles that it may gather from. */
export interface AggregationSnapshot {
  readonly role: ClusterRole;
  /** By name. */
  readonly others: readonly ClusterRole[];
}

function gathered({ role, others }: AggregationSnapshot): readonly PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const wanted = labelSelectorOf(selector);
    for (const other of others) {
      if (other.metadata.name === role.metadata.name || !wanted.matches(other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) if (!rules.some((each) => deepEqual(each, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** Gives roles with an aggregation rule the rules of those they select: kube-controller-manager's `clusterrole-aggregation-controller`. */
export const clusterRoleAggregationController: Controller<AggregationSnapshot> = {
  name: 'clusterrole-aggregation-controller',
  actor: 'system:serviceaccount:kube-system:clusterrole-aggregation-controller',
  watches: [
    {
      resource: CLUSTERROLES,
      keys: (_next, _old, lister) =>
        (lister.list(CLUSTERROLES) as readonly ClusterRole[]).flatMap(({ metadata, aggregationRule }) =>
          aggregationRule ? [metadata.name ?? ''] : [],
        ),
    },
  ],
  snapshot(key, lister) {
    const role = lister.get(CLUSTERROLES, undefined, key) as ClusterRole | undefined;
    if (!role?.aggregationRule) return undefined;
    const others = ([...lister.list(CLUSTERROLES)] as ClusterRole[]).sort(byName);
    return { role, others };
  },
  reconcile(snapshot) {
    const rules = gathered(snapshot);
    if (deepEqual(rules, snapshot.role.rules ?? [])) return { changes: [] };
    return { changes: [{ verb: 'update', resource: CLUSTERROLES, object: { ...snapshot.role, rules } }] };
  },
};
