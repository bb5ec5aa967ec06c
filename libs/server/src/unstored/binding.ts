import { kindOf, PODS } from '#libs/api';
import { badRequest, type KubeObject } from '#libs/apimachinery';
import type { WritePath, StateView } from '#libs/runtime';
import { mediaTypeOf, parseObject, readBody } from '../encoding/body.js';
import { annotate, type Call } from '../call.js';
import { negotiate, WITHOUT_TABLE } from '../encoding/negotiate.js';
import { requesterOf } from '../requester.js';
import { sendObject } from '../encoding/respond.js';
import { writeOptionsOf } from '../write-options.js';

/** What the old form of a binding, a resource of its own, is served with. */
export interface BindingSources {
  readonly view: StateView;
  readonly writePath: WritePath;
  readonly maxBodyBytes: number;
}

/** `bindings`: the old form of `pods/binding`, which takes the pod's name from the binding's metadata. */
export const BINDINGS = kindOf({ group: '', version: 'v1', resource: 'bindings' }, 'Binding', {
  scope: 'Namespaced',
  verbs: ['create'],
  columns: [],
});

/** Answers a POST of a binding as the pod's own subresource would. */
export async function createBinding({ view, writePath, maxBodyBytes }: BindingSources, call: Call): Promise<void> {
  const { request, response, info, query } = call;
  const { format } = negotiate(request.headers.accept, WITHOUT_TABLE);
  const options = writeOptionsOf(query, 'CreateOptions');
  const bytes = await readBody(request, maxBodyBytes);
  const { value, duplicates } = parseObject(mediaTypeOf(request), bytes, 'Binding', options.fieldValidation !== 'Ignore');
  const name = (value as Partial<KubeObject> | null)?.metadata?.name;
  if (typeof name !== 'string' || name === '') throw badRequest('name in URL does not match name in Binding object');
  const definition = view.catalog.current.definitionOf(PODS);
  if (!definition) throw new Error('pods are not served');
  const result = await writePath.execute({
    verb: 'create',
    definition,
    subresource: 'binding',
    namespace: info.namespace,
    name,
    object: value,
    ...(duplicates.length > 0 ? { duplicates } : {}),
    options,
    requester: requesterOf(call),
  });
  annotate(call, definition, result);
  await sendObject(request, response, result.code, result.object, { format, warnings: result.warnings });
}
