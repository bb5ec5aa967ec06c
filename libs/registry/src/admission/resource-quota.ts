import {
  definitionOf,
  increaseOf,
  isInScopes,
  isOver,
  limitedTo,
  PERSISTENTVOLUMECLAIMS,
  PODS,
  quotaNamesOf,
  quotaUsageOf,
  RESOURCEQUOTAS,
  SERVICES,
  withAdded,
  type Container,
  type Pod,
  type ResourceList,
  type ResourceQuota,
} from '#libs/api';
import { forbidden, type KubeObject } from '#libs/apimachinery';
import { storedResource, type Case } from '../case.js';
import type { PlannedWrite } from '../write.js';
import { isAbout } from './about.js';
import type { Attributes, ValidatingPlugin } from './plugin.js';

/** Amounts as upstream prints them: `pods=1,requests.cpu=100m`. */
const printed = (list: ResourceList, names: readonly string[]): string => names.map((name) => `${name}=${list[name] ?? '0'}`).join(',');

/** Computing resources that every container has to ask for where a quota limits them. */
const DEMANDED = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

function saysOf({ resources }: Pick<Container, 'resources'>, name: string): boolean {
  const [side = '', resource = ''] = name.includes('.') ? name.split('.') : ['requests', name];
  return (side === 'limits' ? resources?.limits : resources?.requests)?.[resource] !== undefined;
}

/** What the containers of a pod leave out that a quota limits, in upstream's words; undefined where nothing. */
function missingFrom({ spec }: Pod, names: readonly string[]): string | undefined {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const missing = DEMANDED.filter((name) => names.includes(name)).flatMap((name) => {
    if (spec?.resources && saysOf({ resources: spec.resources }, name)) return [];
    const silent = containers.filter((container) => !saysOf(container, name)).map((container) => container.name);
    return silent.length === 0 ? [] : [`${name} for: ${[...new Set(silent)].sort().join(',')}`];
  });
  return missing.length === 0 ? undefined : `must specify ${missing.join('; ')}`;
}

/** The quotas that a write concerns. Throws Forbidden where one can't say yet, or a pod does not say what it needs. */
function concerned(attributes: Attributes, object: KubeObject, given: Case): readonly ResourceQuota[] {
  const { resource } = given.definition;
  const stored = storedResource(given.definition);
  return (given.read.list(RESOURCEQUOTAS, attributes.namespace) as readonly ResourceQuota[]).filter((quota) => {
    const { hard = {}, used = {} } = quota.status ?? {};
    const names = quotaNamesOf(Object.keys(hard), stored);
    if (names.length === 0 || !isInScopes(quota, stored, object)) return false;
    const name = quota.metadata.name ?? '';
    const missing = stored.group === '' && stored.resource === 'pods' ? missingFrom(object as Pod, names) : undefined;
    if (missing !== undefined) throw forbidden(resource, attributes.name, `failed quota: ${name}: ${missing}`);
    const unknown = names.filter((each) => used[each] === undefined).sort();
    if (unknown.length === 0) return true;
    throw forbidden(resource, attributes.name, `status unknown for quota: ${name}, resources: ${unknown.join(',')}`);
  });
}

/** What a quota has used after one more write. Throws Forbidden where it does not suffice. */
function charged(quota: ResourceQuota, delta: ResourceList, attributes: Attributes, given: Case): ResourceQuota | undefined {
  const { hard = {}, used = {} } = quota.status ?? {};
  const requested = limitedTo(hard, delta);
  if (Object.keys(requested).length === 0) return undefined;
  const next = withAdded(used, requested);
  const exceeded = Object.keys(requested)
    .filter((name) => isOver(requested[name] ?? '0', '0') && isOver(next[name] ?? '0', hard[name] ?? '0'))
    .sort();
  if (exceeded.length === 0) return { ...quota, status: { ...quota.status, used: next } };
  const amounts = `requested: ${printed(requested, exceeded)}, used: ${printed(used, exceeded)}, limited: ${printed(hard, exceeded)}`;
  throw forbidden(given.definition.resource, attributes.name, `exceeded quota: ${quota.metadata.name ?? ''}, ${amounts}`);
}

/** What a write takes more of everything. Throws Forbidden for an object that would give something away. */
function deltaOf(attributes: Attributes, object: KubeObject, given: Case): ResourceList {
  const stored = storedResource(given.definition);
  const { now } = given.context;
  const usage = quotaUsageOf(stored, object, now);
  const negative = Object.keys(usage).filter((name) => isOver('0', usage[name] ?? '0'));
  if (negative.length > 0) {
    const why = `quota usage is negative for resource(s): ${negative.sort().join(',')}`;
    throw forbidden(given.definition.resource, attributes.name, why);
  }
  return increaseOf(usage, attributes.old ? quotaUsageOf(stored, attributes.old, now) : {});
}

/** Whether a write can take anything: every creation, and what may grow later. */
function isCharged({ old, object, namespace, subresource }: Attributes, given: Case): boolean {
  if (object === undefined || namespace === '' || given.definition.stream === 'event') return false;
  if (old === undefined) return subresource === '';
  const about = (resource: typeof PODS, part = ''): boolean => isAbout(given, { subresource }, resource, part);
  return about(SERVICES) || about(PERSISTENTVOLUMECLAIMS) || about(PODS, 'resize');
}

/**
 * ResourceQuota: what a write takes is added to its quotas in the same append, each at the sequence it was read at. So
 * of two writes that would exceed a quota together one has to look again. Objects of another stream than the quota's
 * (leases) are held against it, and counted by the quota controller.
 */
export const resourceQuota: ValidatingPlugin = {
  name: 'ResourceQuota',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, given) {
    const { object, namespace } = attributes;
    if (object === undefined || !isCharged(attributes, given)) return undefined;
    const quotas = concerned(attributes, object, given);
    if (quotas.length === 0) return undefined;
    const delta = deltaOf(attributes, object, given);
    const definition = definitionOf(RESOURCEQUOTAS);
    const writes = quotas.flatMap((quota): readonly PlannedWrite[] => {
      const next = charged(quota, delta, attributes, given);
      const stored = given.read.object(RESOURCEQUOTAS, namespace, quota.metadata.name ?? '');
      return next && stored && definition ? [{ type: 'Updated', definition, object: next, previous: stored.sequence }] : [];
    });
    return given.definition.stream === 'state' ? { writes } : undefined;
  },
};
