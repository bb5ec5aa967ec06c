import type { KubeObject } from '#libs/apimachinery';
import type { ObjectSchema } from './definition.js';
import { schemaReference, type Schema } from './openapi/reference.js';
import { OBJECT_META } from './schema/meta-models.js';

/** The schema of a kind of ours of which nothing is stored: published as it stands, read by whoever serves it, merged by nobody. */
export function ownSchema(published: (metadata: Schema) => Schema): ObjectSchema {
  const schema = published(schemaReference(OBJECT_META));
  return {
    decode: (body) => ({ object: body as KubeObject, unknown: [] }),
    merge: { kind: 'deduced' },
    mergeAt: () => undefined,
    published: () => schema,
  };
}
