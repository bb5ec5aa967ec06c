import {
  MANDATORY_LEVELS,
  MANDATORY_SCHEMAS,
  type FlowcontrolSubject,
  type FlowSchema,
  type PolicyRulesWithSubjects,
  type PriorityLevelConfiguration,
  type ResourcePolicyRule,
} from '#libs/api';
import type { User } from '../authorization/authorizer.js';
import type { RequestInfo } from '../request-info.js';

/** What flow schemas look at of a request. */
export interface RequestDigest {
  readonly user: User;
  readonly info: RequestInfo;
}

/** Where a request belongs: its schema, its level, and the flow that shares a queue with nobody but itself, if it is lucky. */
export interface Classification {
  readonly schema: FlowSchema;
  readonly level: PriorityLevelConfiguration;
  readonly flow: string;
}

/** The schemas in the order in which they are asked, each with its level. */
export interface FlowTable {
  readonly schemas: readonly { readonly schema: FlowSchema; readonly level: PriorityLevelConfiguration }[];
  readonly levels: readonly PriorityLevelConfiguration[];
}

const ACCOUNT = 'system:serviceaccount:';
const nameOf = ({ metadata }: FlowSchema | PriorityLevelConfiguration): string => metadata.name ?? '';

/** What every cluster has is there even where nobody has made it yet. */
function withMandatory<T extends FlowSchema | PriorityLevelConfiguration>(found: readonly T[], mandatory: readonly T[]): readonly T[] {
  return [...found, ...mandatory.filter((wanted) => !found.some((each) => nameOf(each) === nameOf(wanted)))];
}

/** Puts schemas and levels together. A schema whose level is not there leads nowhere and is left out. */
export function flowTableOf(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): FlowTable {
  const allLevels = withMandatory(levels, MANDATORY_LEVELS);
  const byName = new Map(allLevels.map((level) => [nameOf(level), level]));
  const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 0;
  const paired = withMandatory(schemas, MANDATORY_SCHEMAS)
    .flatMap((schema) => {
      const level = byName.get(schema.spec?.priorityLevelConfiguration.name ?? '');
      return level ? [{ schema, level }] : [];
    })
    .sort((a, b) => precedence(a.schema) - precedence(b.schema) || (nameOf(a.schema) < nameOf(b.schema) ? -1 : 1));
  return { schemas: paired, levels: allLevels };
}

const listed = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || (list.length === 1 && list[0] === '*'));

function isSubject({ kind, user, group, serviceAccount }: FlowcontrolSubject, { name, groups }: User): boolean {
  switch (kind) {
    case 'User':
      return user !== undefined && (user.name === '*' || user.name === name);
    case 'Group':
      return group !== undefined && (group.name === '*' || groups.includes(group.name));
    case 'ServiceAccount': {
      if (!serviceAccount) return false;
      const prefix = `${ACCOUNT}${serviceAccount.namespace}:`;
      return serviceAccount.name === '*' ? name.startsWith(prefix) : name === `${prefix}${serviceAccount.name}`;
    }
  }
  return false;
}

function matchesResource(rule: ResourcePolicyRule, { verb, resource, subresource, group, namespace }: RequestInfo): boolean {
  if (!listed(rule.verbs, verb) || !listed(rule.apiGroups, group)) return false;
  if (!listed(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`)) return false;
  return namespace === '' ? rule.clusterScope === true : listed(rule.namespaces, namespace);
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  const prefix = pattern.replace(/\*$/, '');
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function matches({ subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects, { user, info }: RequestDigest): boolean {
  if (!subjects.some((subject) => isSubject(subject, user))) return false;
  if (info.resourceRequest) return resourceRules?.some((rule) => matchesResource(rule, info)) === true;
  return (
    nonResourceRules?.some(
      ({ verbs, nonResourceURLs }) => listed(verbs, info.verb) && nonResourceURLs.some((pattern) => matchesPath(pattern, info.path)),
    ) === true
  );
}

function flowOf(schema: FlowSchema, { user, info }: RequestDigest): string {
  const method = schema.spec?.distinguisherMethod?.type;
  if (method === 'ByUser') return `${nameOf(schema)}/${user.name}`;
  if (method === 'ByNamespace') return `${nameOf(schema)}/${info.namespace}`;
  return nameOf(schema);
}

/** The first schema that matches decides (apiserver `flowcontrol/rule.go`); what no schema matches belongs to the catch-all. */
export function classify({ schemas }: FlowTable, digest: RequestDigest): Classification {
  for (const { schema, level } of schemas) {
    if (schema.spec?.rules?.some((rule) => matches(rule, digest))) return { schema, level, flow: flowOf(schema, digest) };
  }
  const last = schemas.find(({ schema }) => nameOf(schema) === 'catch-all');
  if (!last) throw new Error('there is no catch-all flow schema');
  return { ...last, flow: flowOf(last.schema, digest) };
}
