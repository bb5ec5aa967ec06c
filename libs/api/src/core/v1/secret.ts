import { base64OfText } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Secret } from '../../generated/types.js';
import { SECRETS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

import { validateSecret, validateSecretUpdate } from './data-validation.js';

/** `stringData` is for writing only: it overrides `data` and is never kept. */
function defaults(sent: Secret): Secret {
  const { stringData, ...rest } = sent;
  const folded = Object.entries(stringData ?? {}).map(([key, text]) => [key, base64OfText(text)] as const);
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
