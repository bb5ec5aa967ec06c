const string = { type: 'string' } as const;
const strings = (...names: readonly string[]): Readonly<Record<string, unknown>> => Object.fromEntries(names.map((name) => [name, string]));
const object = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;
const told = (description: string, schema: object): object => ({ description, ...schema });

const PRECONDITIONS = { type: 'object', properties: strings('uid', 'resourceVersion') } as const;

const OPERATION = {
  type: 'object',
  required: ['verb'],
  properties: {
    verb: told('What to do: create, update, patch, apply (server-side apply) or delete.', {
      ...string,
      enum: ['apply', 'create', 'delete', 'patch', 'update'],
    }),
    apiVersion: told('Group and version; taken from the object where it is left out.', string),
    kind: told('The kind; taken from the object where it is left out.', string),
    resource: told('The plural resource, in place of the kind.', string),
    subresource: told('status, scale, eviction or another that is written.', string),
    namespace: told('The namespace; taken from the object where it is left out.', string),
    name: told('The name; taken from the object where it is left out.', string),
    object: told('Of create, update and apply: the object.', object),
    patch: told('Of patch: the patch.', { 'x-kubernetes-preserve-unknown-fields': true }),
    patchType: told('Of patch: its media type.', string),
    preconditions: told('The operation fails, and the transaction with it, unless the object is this one.', PRECONDITIONS),
    fieldManager: told('Who owns the fields that are set; required for apply.', string),
    force: told('Of apply: takes over fields that others own.', { type: 'boolean' }),
    propagationPolicy: told('Of delete: what becomes of dependents.', string),
    gracePeriodSeconds: told('Of delete: how long a pod may take to end.', { type: 'integer', format: 'int64' }),
  },
} as const;

const RESULT = {
  type: 'object',
  properties: {
    code: told('What the operation alone would have been answered with.', { type: 'integer', format: 'int32' }),
    sequence: told('The event that it became; absent where nothing changed.', { type: 'integer', format: 'int64' }),
    object: told('The object as it now is, or a Status.', object),
  },
} as const;

/** How OpenAPI documents describe a Transaction. `meta`: the schema of its metadata. */
export const transactionSchema = (meta: object): Readonly<Record<string, unknown>> => ({
  description: 'Several writes that happen together or not at all.',
  type: 'object',
  required: ['operations'],
  properties: {
    apiVersion: string,
    kind: string,
    metadata: meta,
    operations: told('What to do, in order: each operation sees what those before it have done. An object is written once.', {
      type: 'array',
      items: OPERATION,
    }),
    status: told('What came of it.', {
      type: 'object',
      properties: {
        root: told('The first event, stream:sequence: the root of all of them.', string),
        results: told('One for each operation, in order.', { type: 'array', items: RESULT }),
      },
    }),
  },
});
