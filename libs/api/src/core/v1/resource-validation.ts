import {
  compareQuantities,
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isQualifiedName,
  milliValue,
  parseQuantity,
  required,
} from '#libs/apimachinery';
import type { ResourceRequirements } from '../../generated/types.js';
import { judge, unsupported, type Problems } from '../../problems.js';
import { isPodLevelResource } from './pod-resources.js';

const HUGE_PAGES = 'hugepages-';
const isHugePages = (name: string): boolean => name.startsWith(HUGE_PAGES);
const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const STANDARD_RESOURCES = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
]);
const INTEGER_RESOURCES = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

/** A resource of Kubernetes itself: without a domain, or of kubernetes.io. */
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** A resource that somebody else defines and nodes advertise, e.g. `example.com/gpu`. */
const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0;

/** Whether more of a resource may be promised than there is. */
const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);

function resourceName(into: Problems, field: string, name: string): boolean {
  const before = into.length;
  judge(into, field, name, isQualifiedName);
  if (into.length === before && !name.includes('/') && !STANDARD_RESOURCES.has(name) && !isHugePages(name)) {
    into.push(invalidValue(field, name, 'must be a standard resource type or fully qualified'));
  }
  return into.length === before;
}

function containerResourceName(into: Problems, field: string, name: string): void {
  if (CONTAINER_RESOURCES.has(name)) return;
  resourceName(into, field, name);
  if (!name.includes('/')) {
    if (!isHugePages(name)) into.push(invalidValue(field, name, 'must be a standard resource for containers'));
  } else if (!isNative(name) && !isExtended(name)) {
    into.push(invalidValue(field, name, "doesn't follow extended resource name standard"));
  }
}

function podResourceName(into: Problems, field: string, name: string): void {
  if (resourceName(into, field, name) && !isPodLevelResource(name)) into.push(unsupported(field, name, ['cpu', HUGE_PAGES, 'memory']));
}

/** An amount: not below zero, whole where halves make no sense. */
export function resourceAmount(into: Problems, field: string, name: string, quantity: string): void {
  if (quantity.startsWith('-')) into.push(invalidValue(field, quantity, 'must be greater than or equal to 0'));
  if ((INTEGER_RESOURCES.has(name) || isExtended(name)) && milliValue(quantity) % 1000 !== 0) {
    into.push(invalidValue(field, quantity, 'must be an integer'));
  }
}

function hugePagesAmount(into: Problems, field: string, name: string, quantity: string): void {
  const page = parseQuantity(name.slice(HUGE_PAGES.length)).nano;
  if (page === 0n || parseQuantity(quantity).nano % page === 0n) return;
  into.push(invalidValue(field, quantity, `${quantity} is not positive integer multiple of ${name}`));
}

function requestWithinLimit(into: Problems, path: string, name: string, request: string, limit: string | undefined): void {
  const field = `${path}.requests`;
  if (limit === undefined) {
    if (!isOvercommitAllowed(name)) into.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
    return;
  }
  const order = compareQuantities(request, limit);
  if (order !== 0 && !isOvercommitAllowed(name)) into.push(invalidValue(field, request, `must be equal to ${name} limit of ${limit}`));
  else if (order > 0) into.push(invalidValue(field, request, `must be less than or equal to ${name} limit of ${limit}`));
}

function claims(into: Problems, path: string, list: ResourceRequirements['claims'], known: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const [index, { name, request }] of (list ?? []).entries()) {
    const field = `${path}[${index}]`;
    if (name === '') {
      into.push(required(field));
      continue;
    }
    if (request) judge(into, `${field}.request`, request, isDns1123Label);
    const key = request ? `${name}/${request}` : name;
    const overlaps = seen.has(name) || seen.has(key) || (!request && [...seen].some((one) => one.startsWith(`${name}/`)));
    if (overlaps) into.push(duplicate(field, seen.has(name) ? name : key));
    seen.add(key);
    if (known.has(name)) continue;
    const names = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
    const { message, ...rest } = fieldNotFound(field, name);
    into.push({ ...rest, message: `${message}: must be one of the names in pod.spec.resourceClaims${names}` });
  }
}

type NameCheck = (into: Problems, field: string, name: string) => void;

function requirements(into: Problems, path: string, resources: ResourceRequirements, known: ReadonlySet<string>, check: NameCheck): void {
  const { limits, requests } = resources;
  let compute = false;
  let hugePages = false;
  for (const [list, member] of [
    [limits, 'limits'],
    [requests, 'requests'],
  ] as const) {
    for (const name in list) {
      const quantity = list[name] ?? '0';
      const field = `${path}.${member}[${name}]`;
      check(into, field, name);
      resourceAmount(into, field, name, quantity);
      if (member === 'requests') requestWithinLimit(into, path, name, quantity, limits?.[name]);
      if (isHugePages(name)) {
        hugePages = true;
        hugePagesAmount(into, field, name, quantity);
      } else if (name === 'cpu' || name === 'memory') compute = true;
    }
  }
  if (hugePages && !compute) into.push(forbiddenField(path, 'HugePages require cpu or memory'));
  claims(into, `${path}.claims`, resources.claims, known);
}

/** What a container asks for: names, amounts, requests within limits. `known`: the pod's resource claims. */
export function containerResources(
  into: Problems,
  path: string,
  resources: ResourceRequirements | undefined,
  known: ReadonlySet<string>,
): void {
  if (resources) requirements(into, path, resources, known, containerResourceName);
}

/** What a pod asks for as a whole. */
export function podResources(into: Problems, path: string, resources: ResourceRequirements): void {
  if (resources.claims) into.push(forbiddenField(`${path}.claims`, 'claims cannot be set for Resources at pod-level'));
  requirements(into, path, { ...resources, claims: [] }, new Set(), podResourceName);
}
