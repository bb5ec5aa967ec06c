import { kindOf, ownSchema, type Catalog, type ResourceDefinition } from '#libs/api';
import {
  badRequest,
  type FieldError,
  type StatusError,
  type KubeObject,
  child,
  invalid,
  invalidValue,
  item,
  required,
} from '#libs/apimachinery';
import {
  HISTORY_API_VERSION,
  HISTORY_GROUP,
  HISTORY_VERSION,
  readTransaction,
  transactionSchema,
  type Transaction,
  type TransactionOperation,
} from '#libs/history';
import { formatPlace } from '#libs/log';
import {
  describedOperation,
  transactionRefusal,
  type Patch,
  type RefusedOperation,
  type WriteOptions,
  type WriteRequest,
} from '#libs/registry';
import type { StateView, TransactionPath } from '#libs/runtime';
import { refusal, type Authorizer, type AuthorizerAttributes } from '../authorization/authorizer.js';
import { annotated, type Call, type Part } from '../call.js';
import { mediaTypeOf, parseObject, readBody } from '../encoding/body.js';
import { negotiate, WITHOUT_TABLE } from '../encoding/negotiate.js';
import { sendObject } from '../encoding/respond.js';
import type { RequestInfo } from '../request-info.js';
import { requesterOf } from '../requester.js';
import { writeOptionsOf } from '../write-options.js';

/** `transactions`: several writes that happen together or not at all. */
export const TRANSACTIONS = kindOf<Transaction & KubeObject>(
  { group: HISTORY_GROUP, version: HISTORY_VERSION, resource: 'transactions' },
  'Transaction',
  {
    scope: 'Cluster',
    verbs: ['create'],
    model: `dev.decklog.history.${HISTORY_VERSION}.Transaction`,
    schema: ownSchema(transactionSchema),
    columns: [],
  },
);

/** What transactions are carried out with. */
export interface TransactionSources {
  readonly view: StateView;
  readonly writePath: TransactionPath;
  readonly authorizer: Authorizer;
  readonly maxBodyBytes: number;
}

/** An operation whose resource is known. */
interface Meant {
  readonly index: number;
  readonly operation: TransactionOperation;
  readonly definition: ResourceDefinition;
}

const place = (index: number): string => item('operations', index);

/** Which resource an operation is about; the field that is wrong where it is none. */
function definitionOf(catalog: Catalog, operation: TransactionOperation, index: number): ResourceDefinition | FieldError {
  const { apiVersion, kind, resource } = operation;
  const found = catalog.definitions.find(
    (definition) =>
      definition.verbs.length > 0 &&
      definition.served !== false &&
      versionOf(definition) === apiVersion &&
      (resource === undefined || definition.resource.resource === resource) &&
      (kind === undefined || definition.kind === kind),
  );
  const field = place(index);
  if (found === undefined) {
    const what = resource === undefined ? 'kind' : 'resource';
    return invalidValue(child(field, what), resource ?? kind, `${apiVersion} has no such ${what}`);
  }
  if (found.stream !== 'state') {
    return invalidValue(child(field, 'kind'), found.kind, 'is kept in a stream of its own and can not be part of a transaction');
  }
  if (found.scope === 'Cluster' && operation.namespace !== undefined) {
    return invalidValue(child(field, 'namespace'), operation.namespace, `a ${found.kind} is in no namespace`);
  }
  if (found.scope === 'Namespaced' && operation.namespace === undefined) return required(child(field, 'namespace'));
  return found;
}

const versionOf = ({ resource: { group, version } }: ResourceDefinition): string => (group === '' ? version : `${group}/${version}`);

/** Every operation with its resource. Throws 422 with every one that has none. */
function meantBy(catalog: Catalog, operations: readonly TransactionOperation[]): readonly Meant[] {
  const problems: FieldError[] = [];
  const meant = operations.flatMap((operation, index): readonly Meant[] => {
    const found = definitionOf(catalog, operation, index);
    if (!('resource' in found)) {
      problems.push(found);
      return [];
    }
    const subresource = found.subresources.find(({ name }) => name === operation.subresource);
    if (operation.subresource !== undefined && subresource === undefined) {
      problems.push(invalidValue(child(place(index), 'subresource'), operation.subresource, `a ${found.kind} has no such subresource`));
    }
    return [{ index, operation, definition: found }];
  });
  if (problems.length > 0) throw invalid(HISTORY_GROUP, 'Transaction', '', problems);
  return meant;
}

function patchOf({ verb, patch, patchType, object }: TransactionOperation): Patch | undefined {
  if (verb === 'apply') return { type: 'apply', body: object };
  switch (patchType) {
    case 'application/json-patch+json':
      return { type: 'json', operations: patch as readonly unknown[] };
    case 'application/merge-patch+json':
      return { type: 'merge', body: patch };
    case 'application/strategic-merge-patch+json':
      return { type: 'strategic', body: patch };
    case undefined:
      return undefined;
  }
}

function optionsOf(
  { verb, preconditions, force, propagationPolicy, gracePeriodSeconds }: TransactionOperation,
  shared: WriteOptions,
): WriteOptions {
  const { dryRun, fieldValidation } = shared;
  return {
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(verb === 'delete' || fieldValidation === undefined ? {} : { fieldValidation }),
    ...(force === undefined ? {} : { force }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy: propagationPolicy as NonNullable<WriteOptions['propagationPolicy']> }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  };
}

const FORBIDDEN = 403;
/** So many operations that were denied are recorded each for itself. */
const MOST_RECORDED = 100;

/** What an operation would be as a request of its own. */
const infoOf = ({ operation, definition }: Meant): RequestInfo => ({
  path: '',
  verb: operation.verb === 'apply' ? 'patch' : operation.verb,
  resourceRequest: true,
  ...definition.resource,
  namespace: operation.namespace ?? '',
  subresource: operation.subresource ?? '',
  name: operation.name ?? '',
  rest: [],
});

/** Whether an operation on what is not there makes it: whoever may change what is there need not be allowed to. */
const mayCreate = ({ operation: { verb, subresource }, definition }: Meant): boolean =>
  subresource === undefined && (verb === 'apply' || (verb === 'update' && definition.createOnUpdate === true));

/** Carries out several writes as one: `POST /apis/history.decklog.dev/v1/transactions`. */
export class Transactions {
  constructor(private readonly sources: TransactionSources) {}

  async create(call: Call): Promise<void> {
    const { request, response, query } = call;
    const { format, pretty = false } = negotiate(request.headers.accept, WITHOUT_TABLE);
    const shared = writeOptionsOf(query, 'CreateOptions');
    const bytes = await readBody(request, this.sources.maxBodyBytes);
    const { value, duplicates } = parseObject(mediaTypeOf(request), bytes, 'Transaction', true);
    const [twice] = duplicates;
    if (twice !== undefined) throw badRequest(`strict decoding error: ${twice}`);
    const { metadata = {}, operations } = readTransaction(value, query.get('fieldManager') ?? '');
    const meant = meantBy(this.sources.view.catalog.current, operations);
    const requests = await this.requests(call, meant, shared);
    const { results, root } = await this.sources.writePath.transact(requests);
    call.parts = results.flatMap(({ annotations, code, sequence }, index): readonly Part[] => {
      const one = meant[index];
      if (one === undefined || annotations === undefined) return [];
      return [{ info: infoOf(one), code, annotated: annotated(one.definition.stream, annotations, sequence) }];
    });
    const answer: Transaction = {
      apiVersion: HISTORY_API_VERSION,
      kind: 'Transaction',
      metadata,
      operations,
      status: {
        ...(root === undefined ? {} : { root: formatPlace('state', root) }),
        results: results.map(({ code, sequence, object }) => ({ code, ...(sequence === undefined ? {} : { sequence }), object })),
      },
    };
    const warnings = [...new Set(results.flatMap((result) => result.warnings))];
    await sendObject(request, response, 201, answer, { format, pretty, warnings });
  }

  /** Each operation as the request that it would be alone. Throws one 403 that names all that are not allowed. */
  private async requests(call: Call, meant: readonly Meant[], shared: WriteOptions): Promise<readonly WriteRequest[]> {
    const requests: WriteRequest[] = [];
    const refused: RefusedOperation[] = [];
    for (const one of meant) {
      const request = this.request(call, one, shared);
      const denied = await this.denied(call, one);
      if (denied !== undefined) refused.push({ index: one.index, object: describedOperation(request), refusal: denied });
      const createRefused = mayCreate(one) ? await this.denied(call, one, 'create') : undefined;
      requests.push(createRefused === undefined ? request : { ...request, createRefused });
    }
    const [first, ...rest] = refused;
    if (first === undefined) return requests;
    call.parts = refused.slice(0, MOST_RECORDED).flatMap(({ index, refusal: { reason } }): readonly Part[] => {
      const one = meant[index];
      return one === undefined ? [] : [{ info: infoOf(one), code: FORBIDDEN, reason }];
    });
    throw transactionRefusal([first, ...rest]);
  }

  private request(call: Call, { operation, definition }: Meant, shared: WriteOptions): WriteRequest {
    const { verb, subresource, namespace, name, object, fieldManager } = operation;
    const requester = requesterOf(call);
    const patch = patchOf(operation);
    return {
      verb: verb === 'apply' ? 'patch' : verb,
      definition,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      // The object's own name counts where it is created, as does the prefix that a name is made of.
      ...(name === undefined || (verb === 'create' && subresource === undefined) ? {} : { name }),
      ...(verb === 'create' || verb === 'update' ? { object } : {}),
      ...(patch === undefined ? {} : { patch }),
      options: optionsOf(operation, shared),
      requester: fieldManager === undefined ? requester : { ...requester, fieldManager },
    };
  }

  /** Why the user may not do it; undefined: he may. */
  private async denied({ user }: Call, { operation, definition }: Meant, as?: 'create'): Promise<StatusError | undefined> {
    const { verb, subresource = '', namespace = '', name = '' } = operation;
    const { group, version, resource } = definition.resource;
    const attributes: AuthorizerAttributes = {
      kind: 'resource',
      user,
      verb: as ?? (verb === 'apply' ? 'patch' : verb),
      group,
      version,
      resource,
      subresource: as === undefined ? subresource : '',
      namespace: group === '' && resource === 'namespaces' && verb !== 'create' ? name : namespace,
      // Whoever creates sends the name in the body, where the authorizer of a request alone does not see it either.
      name: verb === 'create' && subresource === '' ? '' : name,
    };
    const { allowed, reason } = await this.sources.authorizer(attributes);
    return allowed ? undefined : refusal(attributes, reason);
  }
}
