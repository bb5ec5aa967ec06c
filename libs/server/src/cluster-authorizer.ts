import { ClusterAuthorizer, PRIVILEGED_GROUP, compacted } from '#libs/authorization';
import type { PolicyRule } from '#libs/api';
import type { StateView } from '#libs/runtime';
import type { Authorizer } from './authorizer.js';
import type { RulesFor } from './reviews.js';

/** Who may do what by the cluster's own objects: nodes by their pods, everybody by roles and bindings. */
export interface ClusterAuthorization {
  readonly authorizer: Authorizer;
  readonly rulesFor: RulesFor;
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

const present = (rule: Readonly<Record<string, readonly string[] | undefined>>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(rule).filter((entry): entry is [string, readonly string[]] => (entry[1]?.length ?? 0) > 0));

/** Authorization by what the view holds, at the moment of each question. */
export function clusterAuthorization(view: StateView): ClusterAuthorization {
  const cluster = new ClusterAuthorizer(view);
  return {
    authorizer: (attributes) => cluster.authorize(attributes),
    rulesFor(user, namespace) {
      const { grants, problems } = cluster.rbac.grantsOf(user, namespace);
      const held = grants.map(({ rule }) => rule);
      const rules = compacted(user.groups.includes(PRIVILEGED_GROUP) ? [...EVERYTHING, ...held] : held);
      return {
        resourceRules: rules
          .filter(({ resources }) => (resources?.length ?? 0) > 0)
          .map(({ verbs, apiGroups, resources, resourceNames }) => present({ verbs, apiGroups, resources, resourceNames })),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => (nonResourceURLs?.length ?? 0) > 0)
          .map(({ verbs, nonResourceURLs }) => present({ verbs, nonResourceURLs })),
        incomplete: problems.length > 0,
        ...(problems.length > 0 ? { evaluationError: problems.join(', ') } : {}),
      };
    },
  };
}
