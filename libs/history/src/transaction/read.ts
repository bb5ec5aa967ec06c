import {
  badRequest,
  child,
  forbiddenField,
  invalid,
  invalidValue,
  item,
  notSupported,
  required,
  StatusError,
  validateFieldManager,
  type FieldError,
} from '#libs/apimachinery';
import { HISTORY_API_VERSION, HISTORY_GROUP, type Transaction, type TransactionOperation } from '../wire.js';

/** Most operations of one transaction: with what is written besides, the log takes a thousand events at once. */
export const MOST_OPERATIONS = 900;

const VERBS = ['create', 'update', 'patch', 'apply', 'delete'] as const;
/** The sorts of patches by their media types. */
export const PATCH_TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
} as const;
const PROPAGATIONS = ['Background', 'Foreground', 'Orphan'];

type Verb = (typeof VERBS)[number];
type Members = Readonly<Record<string, unknown>>;

/** Which members an operation may have besides those that say what it is about. */
const MEMBERS: Readonly<Record<Verb, readonly string[]>> = {
  create: ['object', 'fieldManager'],
  update: ['object', 'preconditions', 'fieldManager'],
  patch: ['patch', 'patchType', 'preconditions', 'fieldManager'],
  apply: ['object', 'preconditions', 'fieldManager', 'force'],
  delete: ['preconditions', 'propagationPolicy', 'gracePeriodSeconds'],
};
const PLACE = ['verb', 'apiVersion', 'kind', 'resource', 'subresource', 'namespace', 'name'];
const ALL = [...new Set([...PLACE, ...Object.values(MEMBERS).flat()])];

const membersOf = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** Gathers what is wrong with the members of one operation while they are read. */
class Reading {
  readonly problems: FieldError[] = [];

  constructor(
    private readonly members: Members,
    private readonly path: string,
  ) {}

  text(name: string, fallback?: unknown): string | undefined {
    const value = isSet(this.members[name]) ? this.members[name] : fallback;
    if (!isSet(value)) return undefined;
    if (typeof value === 'string') return value;
    this.wrong(name, value, 'must be a string');
    return undefined;
  }

  wrong(name: string, value: unknown, why: string): void {
    this.problems.push(invalidValue(child(this.path, name), value, why));
  }

  missing(name: string, why?: string): void {
    this.problems.push(required(child(this.path, name), why));
  }

  add(problem: (field: string) => FieldError, name: string): void {
    this.problems.push(problem(child(this.path, name)));
  }
}

const place = (
  reading: Reading,
  object: Members | undefined,
): Pick<TransactionOperation, 'apiVersion' | 'kind' | 'resource' | 'subresource' | 'namespace' | 'name'> => {
  const metadata = membersOf(object?.['metadata']);
  const texts = {
    kind: reading.text('kind', object?.['kind']),
    resource: reading.text('resource'),
    subresource: reading.text('subresource'),
    namespace: reading.text('namespace', metadata?.['namespace']),
    name: reading.text('name', metadata?.['name']),
  };
  const apiVersion = reading.text('apiVersion', object?.['apiVersion']) ?? '';
  if (apiVersion === '') reading.missing('apiVersion');
  if (texts.kind === undefined && texts.resource === undefined) reading.missing('kind', 'or resource');
  return { apiVersion, ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) };
};

function preconditionsOf(reading: Reading, value: unknown): Pick<TransactionOperation, 'preconditions'> {
  if (!isSet(value)) return {};
  const members = membersOf(value);
  const texts = Object.entries(members ?? {});
  const known = texts.every(([name, text]) => ['uid', 'resourceVersion'].includes(name) && typeof text === 'string');
  if (members !== undefined && known) return { preconditions: members };
  reading.wrong('preconditions', value, 'must have a uid or a resourceVersion, strings, and nothing else');
  return {};
}

function patchOf(reading: Reading, { patch }: Members): Pick<TransactionOperation, 'patch' | 'patchType'> {
  const patchType = reading.text('patchType');
  if (patchType === undefined) reading.missing('patchType');
  else if (!Object.hasOwn(PATCH_TYPES, patchType))
    reading.add((field) => notSupported(field, patchType, Object.keys(PATCH_TYPES)), 'patchType');
  if (!isSet(patch)) reading.missing('patch');
  else if (patchType === 'application/json-patch+json' ? !Array.isArray(patch) : membersOf(patch) === undefined) {
    reading.wrong('patch', patch, 'must be a list of operations for a JSON patch, and an object for any other');
  }
  return { patch, ...(patchType === undefined ? {} : { patchType }) };
}

function deletionOf(
  reading: Reading,
  { gracePeriodSeconds }: Members,
): Pick<TransactionOperation, 'propagationPolicy' | 'gracePeriodSeconds'> {
  const propagationPolicy = reading.text('propagationPolicy');
  if (propagationPolicy !== undefined && !PROPAGATIONS.includes(propagationPolicy)) {
    reading.add((field) => notSupported(field, propagationPolicy, PROPAGATIONS), 'propagationPolicy');
  }
  const seconds = isSet(gracePeriodSeconds) ? gracePeriodSeconds : undefined;
  if (seconds !== undefined && !Number.isSafeInteger(seconds)) reading.wrong('gracePeriodSeconds', seconds, 'must be a whole number');
  return {
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(typeof seconds === 'number' ? { gracePeriodSeconds: seconds } : {}),
  };
}

function managerOf(reading: Reading, verb: Verb, fallback: string): Pick<TransactionOperation, 'fieldManager'> {
  const fieldManager = reading.text('fieldManager') ?? (fallback === '' ? undefined : fallback);
  if (fieldManager === undefined && verb === 'apply') reading.missing('fieldManager', 'is required for apply patch');
  if (fieldManager !== undefined) reading.problems.push(...validateFieldManager(fieldManager, 'fieldManager'));
  return fieldManager === undefined ? {} : { fieldManager };
}

function operationOf(
  value: unknown,
  path: string,
  manager: string,
): { readonly operation?: TransactionOperation; readonly problems: readonly FieldError[] } {
  const members = membersOf(value);
  if (members === undefined) return { problems: [invalidValue(path, value, 'must be an object')] };
  const reading = new Reading(members, path);
  const named = reading.text('verb');
  const verb = VERBS.find((one) => one === named);
  if (verb === undefined) {
    const problem = named === undefined ? required(child(path, 'verb')) : notSupported(child(path, 'verb'), named, VERBS);
    return { problems: [problem] };
  }
  const allowed = [...PLACE, ...MEMBERS[verb]];
  for (const name of Object.keys(members)) {
    if (allowed.includes(name) || !isSet(members[name])) continue;
    reading.add((field) => forbiddenField(field, ALL.includes(name) ? `may not be set for ${verb}` : 'no operation has it'), name);
  }
  const object = membersOf(members['object']);
  const about = place(reading, object);
  const takesObject = MEMBERS[verb].includes('object');
  if (takesObject && object === undefined) reading.missing('object');
  if (about.name === undefined && verb !== 'create') reading.missing('name');
  const { force } = members;
  if (isSet(force) && typeof force !== 'boolean') reading.wrong('force', force, 'must be true or false');
  const operation: TransactionOperation = {
    verb,
    ...about,
    ...(takesObject ? { object } : {}),
    ...(verb === 'patch' ? patchOf(reading, members) : {}),
    ...(verb === 'delete' ? deletionOf(reading, members) : managerOf(reading, verb, manager)),
    ...preconditionsOf(reading, members['preconditions']),
    ...(force === true ? { force } : {}),
  };
  return { operation, problems: reading.problems };
}

function checkKind({ apiVersion, kind }: Members): void {
  if (isSet(apiVersion) && apiVersion !== HISTORY_API_VERSION) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${HISTORY_API_VERSION})`,
    );
  }
  if (isSet(kind) && kind !== 'Transaction') throw badRequest(`${String(kind)} in version "v1" cannot be handled as a Transaction`);
}

/**
 * A transaction as a client sent it: every operation says whom it is about, and has what its verb needs and nothing else.
 * `manager`: of operations that name none. Throws StatusError: 400, 413, or 422 with every problem.
 */
export function readTransaction(value: unknown, manager: string): Pick<Transaction, 'metadata' | 'operations'> {
  const members = membersOf(value);
  if (members === undefined) throw badRequest('Transaction in version "v1" cannot be handled as a Transaction: it must be an object');
  checkKind(members);
  const { operations, metadata } = members;
  const unknown = Object.keys(members).filter((name) => !['apiVersion', 'kind', 'metadata', 'operations', 'status'].includes(name));
  const problems: FieldError[] = unknown.map((name) => forbiddenField(name, 'a Transaction has no such field'));
  if (!Array.isArray(operations) || operations.length === 0) problems.push(required('operations', 'a list of at least one'));
  const list: readonly unknown[] = Array.isArray(operations) ? operations : [];
  if (list.length > MOST_OPERATIONS) {
    throw new StatusError('RequestEntityTooLarge', `a transaction has at most ${MOST_OPERATIONS} operations, not ${list.length}: split it`);
  }
  const read = list.map((one, index) => operationOf(one, item('operations', index), manager));
  problems.push(...read.flatMap((one) => one.problems));
  if (problems.length > 0) throw invalid(HISTORY_GROUP, 'Transaction', '', problems);
  const meta = membersOf(metadata);
  return { ...(meta ? { metadata: meta } : {}), operations: read.flatMap(({ operation }) => operation ?? []) };
}
