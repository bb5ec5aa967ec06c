import {
  badRequest,
  invalid,
  invalidValue,
  notSupported,
  notSupportedInOrder,
  validateFieldManager,
  type FieldError,
  type PropagationPolicy,
  type Preconditions,
} from '#libs/apimachinery';
import type { WriteOptions } from '#libs/registry';
import { integerOf, type ListOptions } from './reads/list-options.js';
import { truthy } from './request-info.js';

const VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'];

/** Whose options: those of an apply are PatchOptions with rules of their own. */
export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'ApplyOptions';

/** The options of a create, update, patch or apply, from the query. Throws 422 in upstream's words. */
export function writeOptionsOf(query: URLSearchParams, kind: OptionsKind): WriteOptions {
  const problems: FieldError[] = [];
  const dryRun = dryRunOf(query.getAll('dryRun'), problems);
  const validation = query.get('fieldValidation') ?? '';
  if (!VALIDATIONS.includes(validation)) problems.push(notSupported('fieldValidation', validation, VALIDATIONS));
  const manager = query.get('fieldManager') ?? '';
  problems.push(...validateFieldManager(manager, 'fieldManager'));
  if (kind === 'PatchOptions' && query.get('force') !== null) {
    problems.push({ reason: 'FieldValueForbidden', field: 'force', message: 'Forbidden: may not be specified for non-apply patch' });
  }
  if (kind === 'ApplyOptions' && manager === '') {
    problems.push({ reason: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' });
  }
  if (problems.length > 0) throw invalid('meta.k8s.io', kind === 'ApplyOptions' ? 'PatchOptions' : kind, '', problems);
  const force = kind === 'ApplyOptions' && truthy(query.get('force') ?? 'false') ? { force: true } : {};
  // Where the client says nothing, the server warns.
  return { ...dryRun, ...force, fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn' };
}

const PROPAGATIONS: readonly PropagationPolicy[] = ['Foreground', 'Background', 'Orphan'];

/** The options of a deletion, from the body where there is one, else from the query. Throws 400 and 422. */
export function deleteOptionsOf(query: URLSearchParams, body: unknown): WriteOptions {
  const source = body === undefined ? fromQuery(query) : fromBody(body);
  const problems: FieldError[] = [];
  const dryRun = dryRunOf(source.dryRun ?? [], problems);
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions } = source;
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    problems.push(invalidValue('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  } else if (propagationPolicy !== undefined && !PROPAGATIONS.includes(propagationPolicy)) {
    problems.push(notSupportedInOrder('propagationPolicy', propagationPolicy, [...PROPAGATIONS, 'nil']));
  }
  if (problems.length > 0) throw invalid('meta.k8s.io', 'DeleteOptions', '', problems);
  return {
    ...dryRun,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(preconditions === undefined ? {} : { preconditions }),
  };
}

interface RawDeleteOptions {
  readonly dryRun?: readonly string[];
  readonly gracePeriodSeconds?: number;
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: PropagationPolicy;
  readonly preconditions?: Preconditions;
}

function fromQuery(query: URLSearchParams): RawDeleteOptions {
  const gracePeriodSeconds = integerOf(query, 'gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  const policy = query.get('propagationPolicy');
  return {
    dryRun: query.getAll('dryRun'),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(orphan === null ? {} : { orphanDependents: truthy(orphan) }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy as PropagationPolicy }),
  };
}

/** The members of metav1.DeleteOptions and what Go calls their types. */
const MEMBERS: Readonly<Record<string, readonly [type: string, go: string]>> = {
  gracePeriodSeconds: ['number', 'int64'],
  orphanDependents: ['boolean', 'bool'],
  propagationPolicy: ['string', 'v1.DeletionPropagation'],
  preconditions: ['object', 'v1.Preconditions'],
  dryRun: ['object', '[]string'],
};

function fromBody(body: unknown): RawDeleteOptions {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('the body is not a DeleteOptions object');
  const record = body as Record<string, unknown>;
  const { kind, apiVersion } = record;
  if (kind !== undefined && kind !== 'DeleteOptions') {
    throw badRequest(
      `decoded object cannot be converted to DeleteOptions: no kind ${JSON.stringify(kind)} is known as such (${JSON.stringify(apiVersion) ?? ''})`,
    );
  }
  const options: Record<string, unknown> = {};
  for (const [name, [type, go]] of Object.entries(MEMBERS)) {
    const value = record[name];
    if (value === undefined || value === null) continue;
    const wrong =
      typeof value !== type || (name === 'dryRun') !== Array.isArray(value) || (type === 'number' && !Number.isSafeInteger(value));
    if (wrong) {
      const is = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
      throw badRequest(`json: cannot unmarshal ${is} into Go struct field DeleteOptions.${name} of type ${go}`);
    }
    options[name] = value;
  }
  return options as RawDeleteOptions;
}

function dryRunOf(values: readonly string[], problems: FieldError[]): Pick<WriteOptions, 'dryRun'> {
  if (values.some((value) => value !== 'All')) problems.push(notSupported('dryRun', values, ['All']));
  return values.includes('All') ? { dryRun: true } : {};
}

/** A deletion of many reads its selection from the query alone and ignores what only a list or a watch has. */
export const selectionOptions = (query: URLSearchParams): Pick<ListOptions, 'labelSelector' | 'fieldSelector'> => ({
  labelSelector: query.get('labelSelector') ?? '',
  fieldSelector: query.get('fieldSelector') ?? '',
});
