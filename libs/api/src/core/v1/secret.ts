import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Secret } from '../../generated/types.js';
import { SECRETS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

import { validateSecret, validateSecretUpdate } from './data-validation.js';

const encoder = new TextEncoder();
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A text's UTF-8 bytes in base64, as a Secret's data is written. */
export function base64Of(text: string): string {
  const bytes = encoder.encode(text);
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = bytes.subarray(i, i + 3);
    out += ALPHABET[a >> 2];
    out += ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)];
    out += b === undefined ? '=' : ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)];
    out += c === undefined ? '=' : ALPHABET[c & 63];
  }
  return out;
}

/** `stringData` is for writing only: it overrides `data` and is never kept. */
function defaults(sent: Secret): Secret {
  const { stringData, ...rest } = sent;
  const folded = Object.entries(stringData ?? {}).map(([key, text]) => [key, base64Of(text)] as const);
  const secret: Secret =
    stringData === undefined ? sent : { ...rest, ...(folded.length > 0 ? { data: { ...rest.data, ...Object.fromEntries(folded) } } : {}) };
  return secret.type ? secret : { ...secret, type: 'Opaque' };
}

export const secrets: ResourceDefinition<Secret> = {
  resource: SECRETS,
  kind: 'Secret',
  listKind: 'SecretList',
  singular: 'secret',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.Secret',
  stream: 'state',
  subresources: [],
  fields: { type: ({ type }) => type ?? '' },
  strategy: standardStrategy<Secret>({ defaults, validate: validateSecret, validateUpdate: validateSecretUpdate }),
  columns: [NAME, column('Type', ({ type }) => type ?? ''), column('Data', ({ data }) => Object.keys(data ?? {}).length), AGE],
};
