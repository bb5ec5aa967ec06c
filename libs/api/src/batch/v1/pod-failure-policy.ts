import { duplicate, invalidValue, isQualifiedName, quoted, required, tooMany, type FieldError } from '#libs/apimachinery';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from '../../generated/types.js';
import { judge, unsupported, type Problems } from '../../problems.js';

const MOST_RULES = 20;
const MOST_PATTERNS = 20;
const MOST_VALUES = 255;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];

const validValues = (words: readonly string[]): string => `valid values: [${words.map(quoted).join(' ')}]`;

/** A problem with something that is not shown. */
const wrong = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${detail}`,
  field,
});

function exitCodes(into: Problems, path: string, sent: PodFailurePolicyOnExitCodesRequirement, containers: ReadonlySet<string>): void {
  const { operator = '', containerName, values = [] } = sent;
  if (operator === '') into.push(required(`${path}.operator`, validValues(OPERATORS)));
  else if (!OPERATORS.includes(operator)) into.push(unsupported(`${path}.operator`, operator, OPERATORS));
  if (containerName !== undefined && !containers.has(containerName)) {
    const rule = 'must be one of the container or initContainer names in the pod template';
    into.push(invalidValue(`${path}.containerName`, containerName, rule));
  }
  if (values.length === 0) into.push(invalidValue(`${path}.values`, values, 'at least one value is required'));
  else if (values.length > MOST_VALUES) into.push(tooMany(`${path}.values`, values.length, MOST_VALUES));
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    const field = `${path}.values[${index}]`;
    if (operator === 'In' && value === 0) into.push(invalidValue(field, value, 'must not be 0 for the In operator'));
    if (seen.has(value)) into.push(duplicate(field, value));
    seen.add(value);
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] ?? value) > value)) {
    into.push(invalidValue(`${path}.values`, values, 'must be ordered'));
  }
}

function conditions(into: Problems, path: string, patterns: readonly PodFailurePolicyOnPodConditionsPattern[]): void {
  if (patterns.length > MOST_PATTERNS) into.push(tooMany(path, patterns.length, MOST_PATTERNS));
  for (const [index, { type = '', status = '' }] of patterns.entries()) {
    judge(into, `${path}[${index}].type`, type, isQualifiedName);
    if (status === '') into.push(required(`${path}[${index}].status`, validValues(STATUSES)));
    else if (!STATUSES.includes(status)) into.push(unsupported(`${path}[${index}].status`, status, STATUSES));
  }
}

function rule(into: Problems, path: string, spec: JobSpec, each: PodFailurePolicyRule, containers: ReadonlySet<string>): void {
  const { action = '', onExitCodes, onPodConditions = [] } = each;
  if (action === '') into.push(required(`${path}.action`, validValues(ACTIONS)));
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      into.push(invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'));
    }
  } else if (!ACTIONS.includes(action)) into.push(unsupported(`${path}.action`, action, ACTIONS));
  if (onExitCodes) exitCodes(into, `${path}.onExitCodes`, onExitCodes, containers);
  conditions(into, `${path}.onPodConditions`, onPodConditions);
  if (onExitCodes && onPodConditions.length > 0) {
    into.push(wrong(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    into.push(wrong(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
}

/** What is to happen where a pod fails in a certain way. */
export function podFailurePolicy(into: Problems, path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > MOST_RULES) into.push(tooMany(`${path}.rules`, rules.length, MOST_RULES));
  const { containers = [], initContainers = [] } = spec.template.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  for (const [index, each] of rules.entries()) rule(into, `${path}.rules[${index}]`, spec, each, names);
}
