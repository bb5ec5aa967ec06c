import { ClusterAuthorizer, nodeOf } from '#libs/authorization';
import type { StateView } from '#libs/runtime';
import type { Authorizer } from './authorizer.js';
import type { RulesFor } from './reviews.js';

/** Who may do what by the cluster's own objects: nodes by their pods, everybody by roles and bindings. */
export interface ClusterAuthorization {
  readonly authorizer: Authorizer;
  readonly rulesFor: RulesFor;
}

/** What a node may do depends on its pods: no list of rules says it. */
const NODE_RULES_UNSAID = 'node authorizer does not support user rule resolution';

const present = (rule: Readonly<Record<string, readonly string[] | undefined>>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(rule).filter((entry): entry is [string, readonly string[]] => (entry[1]?.length ?? 0) > 0));

/** Authorization by what the view holds, at the moment of each question. */
export function clusterAuthorization(view: StateView): ClusterAuthorization {
  const cluster = new ClusterAuthorizer(view);
  return {
    authorizer: (attributes) => cluster.authorize(attributes),
    rulesFor(user, namespace) {
      const { grants, problems } = cluster.rbac.grantsOf(user, namespace);
      const rules = grants.map(({ rule }) => rule);
      const unsaid = nodeOf(user) === undefined ? problems : [NODE_RULES_UNSAID, ...problems];
      return {
        resourceRules: rules
          .filter(({ resources }) => (resources?.length ?? 0) > 0)
          .map(({ verbs, apiGroups, resources, resourceNames }) => present({ verbs, apiGroups, resources, resourceNames })),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => (nonResourceURLs?.length ?? 0) > 0)
          .map(({ verbs, nonResourceURLs }) => present({ verbs, nonResourceURLs })),
        incomplete: unsaid.length > 0,
        ...(unsaid.length > 0 ? { evaluationError: unsaid.length === 1 ? unsaid[0] : `[${unsaid.join(', ')}]` } : {}),
      };
    },
  };
}
