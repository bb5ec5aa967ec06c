import {
  compareQuantities,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isQualifiedName,
  pathSegmentNames,
  required,
  type FieldError,
} from '#libs/apimachinery';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../generated/types.js';
import { judge, nonnegative, unsupported, type Problems } from '../../problems.js';

const MOST_PERIOD = 1800;
const MOST_WINDOW = 3600;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const POLICY_TYPES = ['Percent', 'Pods'];
const SOURCES = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  External: 'external',
  ContainerResource: 'containerResource',
} as const;
const SOURCE_TYPES = Object.keys(SOURCES).sort();
const TARGETS = ['Utilization', 'Value', 'AverageValue'];

function reference(into: Problems, path: string, { kind = '', name = '' }: CrossVersionObjectReference): void {
  for (const [member, value] of Object.entries({ kind, name })) {
    if (value === '') into.push(required(`${path}.${member}`));
    else judge(into, `${path}.${member}`, value, (text) => pathSegmentNames(text, false));
  }
}

function target(into: Problems, path: string, { type = '', value, averageValue, averageUtilization }: MetricTarget): void {
  if (type === '') into.push(required(`${path}.type`, 'must specify a metric target type'));
  if (!TARGETS.includes(type)) into.push(invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  for (const [member, quantity] of Object.entries({ value, averageValue })) {
    if (quantity !== undefined && compareQuantities(quantity, '0') <= 0) {
      into.push(invalidValue(`${path}.${member}`, quantity, 'must be positive'));
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    into.push(invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
}

function metric(into: Problems, path: string, { name = '' }: MetricIdentifier): void {
  if (name === '') into.push(required(`${path}.name`, 'must specify a metric name'));
  else judge(into, `${path}.name`, name, (text) => pathSegmentNames(text, false));
}

function utilizationOrValue(into: Problems, path: string, { averageUtilization, averageValue }: MetricTarget): void {
  if (averageUtilization === undefined && averageValue === undefined) {
    into.push(required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    into.push(forbiddenField(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'));
  }
}

/** The rules of each source of metrics, at its path. */
const SOURCE_RULES: Readonly<Record<(typeof SOURCES)[keyof typeof SOURCES], (into: Problems, path: string, spec: MetricSpec) => void>> = {
  object(into, path, { object }) {
    if (!object) return;
    reference(into, `${path}.describedObject`, object.describedObject);
    metric(into, `${path}.metric`, object.metric);
    target(into, `${path}.target`, object.target);
    if (object.target.value !== undefined || object.target.averageValue !== undefined) return;
    into.push(required(`${path}.target.averageValue`, 'must set either a target value or averageValue'));
  },
  external(into, path, { external }) {
    if (!external) return;
    metric(into, `${path}.metric`, external.metric);
    target(into, `${path}.target`, external.target);
    const { value, averageValue } = external.target;
    if (value === undefined && averageValue === undefined) {
      into.push(required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target'));
    }
    if (value !== undefined && averageValue !== undefined) {
      into.push(forbiddenField(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target'));
    }
  },
  pods(into, path, { pods }) {
    if (!pods) return;
    metric(into, `${path}.metric`, pods.metric);
    target(into, `${path}.target`, pods.target);
    if (pods.target.averageValue === undefined) {
      into.push(required(`${path}.target.averageValue`, 'must specify a positive target averageValue'));
    }
  },
  resource(into, path, { resource }) {
    if (!resource) return;
    if (!resource.name) into.push(required(`${path}.name`, 'must specify a resource name'));
    target(into, `${path}.target`, resource.target);
    utilizationOrValue(into, `${path}.target`, resource.target);
  },
  containerResource(into, path, { containerResource: source }) {
    if (!source) return;
    if (!source.name) into.push(required(`${path}.name`, 'must specify a resource name'));
    else judge(into, `${path}.name`, source.name, isQualifiedName);
    if (!source.container) into.push(required(`${path}.container`, 'must specify a container'));
    else judge(into, `${path}.container`, source.container, isDns1123Label);
    target(into, `${path}.target`, source.target);
    utilizationOrValue(into, `${path}.target`, source.target);
  },
};

const MEMBERS = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;

function metricSpec(into: Problems, path: string, spec: MetricSpec): void {
  const { type = '' } = spec;
  if (type === '') into.push(required(`${path}.type`, 'must specify a metric source type'));
  if (!SOURCE_TYPES.includes(type)) into.push(unsupported(`${path}.type`, type, SOURCE_TYPES));
  const present = MEMBERS.filter((member) => spec[member] !== undefined);
  const [first] = present;
  if (first !== undefined) SOURCE_RULES[first](into, `${path}.${first}`, spec);
  const expected = (SOURCES as Readonly<Record<string, (typeof MEMBERS)[number]>>)[type];
  if (expected === undefined) into.push(unsupported(`${path}.type`, type, SOURCE_TYPES));
  else if (spec[expected] === undefined) {
    into.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  if (present.length === 1) return;
  for (const member of present) {
    if (member !== expected) into.push(forbiddenField(`${path}.${member}`, 'must populate the given metric source only'));
  }
}

function scalingRules(into: Problems, path: string, rules: HPAScalingRules | undefined): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const field = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) into.push(invalidValue(field, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > MOST_WINDOW) into.push(invalidValue(field, window, `must be less than or equal to ${MOST_WINDOW}`));
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) {
    into.push(unsupported(`${path}.selectPolicy`, selectPolicy, SELECT_POLICIES));
  }
  if (policies.length === 0) into.push(required(`${path}.policies`, 'must specify at least one Policy'));
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const at = `${path}.policies[${index}]`;
    if (!POLICY_TYPES.includes(type)) into.push(unsupported(`${at}.type`, type, POLICY_TYPES));
    if (value <= 0) into.push(invalidValue(`${at}.value`, value, 'must be greater than zero'));
    if (periodSeconds <= 0) into.push(invalidValue(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'));
    if (periodSeconds > MOST_PERIOD) {
      into.push(invalidValue(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${MOST_PERIOD}`));
    }
  }
  if (tolerance !== undefined && compareQuantities(tolerance, '0') < 0) {
    into.push(invalidValue(`${path}.tolerance`, tolerance, 'must be greater than or equal to zero'));
  }
}

/** Every problem of a new autoscaler. */
export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, old?: HorizontalPodAutoscaler): readonly FieldError[] {
  const into: Problems = [];
  const { minReplicas, maxReplicas = 0, metrics = [], behavior, scaleTargetRef } = spec ?? {};
  const least = old?.spec?.minReplicas === 0 ? 0 : 1;
  if (minReplicas !== undefined && minReplicas < least) {
    into.push(invalidValue('spec.minReplicas', minReplicas, `must be greater than or equal to ${least}`));
  }
  if (maxReplicas < 1) into.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    into.push(invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  reference(into, 'spec.scaleTargetRef', scaleTargetRef ?? { kind: '', name: '' });
  for (const [index, each] of metrics.entries()) metricSpec(into, `spec.metrics[${index}]`, each);
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const rule = 'must specify at least one Object or External metric to support scaling to zero replicas';
    into.push(forbiddenField('spec.metrics', rule));
  }
  scalingRules(into, 'spec.behavior.scaleUp', behavior?.scaleUp);
  scalingRules(into, 'spec.behavior.scaleDown', behavior?.scaleDown);
  return into;
}

/** Every problem of an autoscaler's counts. */
export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): readonly FieldError[] {
  const into: Problems = [];
  for (const name of ['currentReplicas', 'desiredReplicas'] as const) nonnegative(into, `status.${name}`, status?.[name]);
  return into;
}
