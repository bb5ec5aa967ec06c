import { deepEqual, dnsLabelNames, dnsSubdomainNames, forbiddenField, invalidValue, required, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { within } from '../../defaulting.js';
import type {
  FlowcontrolSubject,
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, present, unsupported, type Problems } from '../../problems.js';
import { FLOWSCHEMAS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { MANDATORY_SCHEMAS } from './bootstrap.js';
import { conditions } from './conditions.js';

const DEFAULT_PRECEDENCE = 1000;
const MOST_PRECEDENCE = 10_000;
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const KINDS = ['Group', 'ServiceAccount', 'User'] as const;
const MEMBERS = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

type Members = Readonly<Record<string, { readonly name?: string; readonly namespace?: string } | undefined>>;

function subject(into: Problems, path: string, given: FlowcontrolSubject): void {
  const kind = KINDS.find((each) => each === given.kind);
  if (kind === undefined) return void into.push(unsupported(`${path}.kind`, given.kind, KINDS));
  const members = given as unknown as Members;
  const at = `${path}.${MEMBERS[kind]}`;
  const named = members[MEMBERS[kind]];
  if (!named) into.push(required(at, `${MEMBERS[kind]} is required when subject kind is '${kind}'`));
  else if (kind !== 'ServiceAccount') present(into, `${at}.name`, named.name);
  else account(into, at, named);
  for (const other of ['ServiceAccount', 'User', 'Group'] as const) {
    if (other === kind || !members[MEMBERS[other]]) continue;
    into.push(forbiddenField(`${path}.${MEMBERS[other]}`, `${MEMBERS[other]} is forbidden when subject kind is not '${other}'`));
  }
}

function account(
  into: Problems,
  path: string,
  { name = '', namespace = '' }: { readonly name?: string; readonly namespace?: string },
): void {
  if (name === '') into.push(required(`${path}.name`));
  else if (name !== '*') judge(into, `${path}.name`, name, (text) => dnsSubdomainNames(text, false));
  if (namespace === '') into.push(required(`${path}.namespace`, 'must specify namespace for service account'));
  else judge(into, `${path}.namespace`, namespace, (text) => dnsLabelNames(text, false));
}

/** A list has members, and where one is `*` it is the only one. */
function members(into: Problems, path: string, sent: readonly string[] | null, empty: string, alone: string): boolean {
  const list = sent ?? [];
  if (list.length === 0) into.push(required(path, empty));
  else if (list.includes('*') && list.length > 1) into.push(invalidValue(path, list, `if '*' is present, must not specify other ${alone}`));
  return list.length > 0 && !list.includes('*');
}

function verbs(into: Problems, path: string, list: readonly string[] | null): void {
  const listed = members(into, path, list, 'verbs must contain at least one value', 'verbs');
  if (listed && list && !list.every((verb) => VERBS.includes(verb))) into.push(unsupported(path, list, VERBS));
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path === '/') return undefined;
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const stars = path.split('*').length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function resourceRule(into: Problems, path: string, rule: ResourcePolicyRule): void {
  verbs(into, `${path}.verbs`, rule.verbs);
  members(into, `${path}.apiGroups`, rule.apiGroups, 'resource rules must supply at least one api group', 'api groups');
  members(into, `${path}.resources`, rule.resources, 'resource rules must supply at least one resource', 'resources');
  const at = `${path}.namespaces`;
  const namespaces = rule.namespaces ?? [];
  if (namespaces.length === 0 && rule.clusterScope === true) return;
  const empty = 'resource rules that are not cluster scoped must supply at least one namespace';
  if (!members(into, at, namespaces, empty, 'namespaces')) return;
  namespaces.forEach((namespace, index) => {
    for (const message of dnsLabelNames(namespace, false))
      into.push(invalidValue(`${at}[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`));
  });
}

function pathRule(into: Problems, path: string, rule: NonResourcePolicyRule): void {
  verbs(into, `${path}.verbs`, rule.verbs);
  const at = `${path}.nonResourceURLs`;
  const empty = 'nonResourceURLs must contain at least one value';
  if (!members(into, at, rule.nonResourceURLs, empty, 'non-resource URLs')) return;
  rule.nonResourceURLs.forEach((url, index) => {
    const problem = pathProblem(url);
    if (problem !== undefined) into.push(invalidValue(`${at}[${index}]`, url, problem));
  });
}

function rules(into: Problems, path: string, rule: PolicyRulesWithSubjects): void {
  // What Go calls nil is null where it must be there.
  const subjects = (rule.subjects as typeof rule.subjects | null) ?? [];
  const { resourceRules, nonResourceRules } = { resourceRules: rule.resourceRules ?? [], nonResourceRules: rule.nonResourceRules ?? [] };
  if (subjects.length === 0) into.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  subjects.forEach((each, index) => subject(into, `${path}.subjects[${index}]`, each));
  if (resourceRules.length === 0 && nonResourceRules.length === 0)
    into.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  resourceRules.forEach((each, index) => resourceRule(into, `${path}.resourceRules[${index}]`, each));
  nonResourceRules.forEach((each, index) => pathRule(into, `${path}.nonResourceRules[${index}]`, each));
}

function specRules(into: Problems, name: string, spec: FlowSchemaSpec): void {
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec;
  const at = 'spec.matchingPrecedence';
  if (precedence <= 0) into.push(invalidValue(at, precedence, 'must be a positive value'));
  if (precedence > MOST_PRECEDENCE) into.push(invalidValue(at, precedence, `must not be greater than ${MOST_PRECEDENCE}`));
  if (precedence === 1 && name !== 'exempt')
    into.push(invalidValue(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  if (method && method.type !== 'ByNamespace' && method.type !== 'ByUser')
    into.push(unsupported('spec.distinguisherMethod.type', method, ['ByNamespace', 'ByUser']));
  const reference = spec.priorityLevelConfiguration.name;
  if (!reference) into.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'));
  else judge(into, 'spec.priorityLevelConfiguration.name', reference, (text) => dnsSubdomainNames(text, false));
  (spec.rules ?? []).forEach((each, index) => rules(into, `spec.rules[${index}]`, each));
}

const NO_SPEC: FlowSchemaSpec = { priorityLevelConfiguration: { name: '' } };

function validate({ metadata, spec = NO_SPEC, status }: FlowSchema): readonly FieldError[] {
  const into: Problems = [];
  const name = metadata.name ?? '';
  specRules(into, name, spec);
  const fixed = MANDATORY_SCHEMAS.find((each) => each.metadata.name === name);
  if (fixed && !deepEqual(spec, fixed.spec)) into.push(invalidValue('spec', spec, `spec of '${name}' must equal the fixed value`));
  conditions(into, status?.conditions);
  return into;
}

function validateStatusUpdate({ status }: FlowSchema): readonly FieldError[] {
  const into: Problems = [];
  conditions(into, status?.conditions);
  return into;
}

export const flowschemas = kindOf<FlowSchema>(FLOWSCHEMAS, 'FlowSchema', {
  scope: 'Cluster',
  subresources: [statusOf('FlowSchema')],
  strategy: standardStrategy<FlowSchema>({
    defaults: (object) =>
      within(object, 'spec', (spec) => (spec.matchingPrecedence ? spec : { ...spec, matchingPrecedence: DEFAULT_PRECEDENCE })),
    prepareForCreate: (object) => withGeneration({ ...object, status: {} }),
    prepareForUpdate: (next, old) => withGeneration({ ...next, status: old.status ?? {} }, old),
    validate,
    validateStatusUpdate,
  }),
  columns: [
    NAME,
    column('PriorityLevel', ({ spec }) => spec?.priorityLevelConfiguration.name ?? ''),
    column('MatchingPrecedence', ({ spec }) => String(spec?.matchingPrecedence ?? 0)),
    column('DistinguisherMethod', ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>'),
    AGE,
    column('MissingPL', ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'),
  ],
});
