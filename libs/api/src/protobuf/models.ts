import { parseApiVersion } from '#libs/apimachinery';
import { MODELS } from '../schema/facts.js';
import { META_PACKAGE } from '../schema/meta-models.js';

/** Every message starts with these bytes: `k8s` and a zero. */
export const MAGIC: Uint8Array = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** Groups whose types are not in `k8s.io/api`. */
const PACKAGES: Readonly<Record<string, string>> = {
  'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
};

/** Fields whose Go type is a list with a message of its own around it (`metav1.Verbs`): items are its field 1. */
export const isListMessage = (model: string, field: string): boolean => model === `${META_PACKAGE}.APIResource` && field === 'verbs';

/** The model of a kind by upstream's naming: `policy/v1 Eviction` is `io.k8s.api.policy.v1.Eviction`. */
export function modelOf(apiVersion: string, kind: string): string | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  const folder = group === '' ? 'core' : (group.split('.')[0] ?? '');
  const names = [`${PACKAGES[group] ?? `io.k8s.api.${folder}`}.${version}.${kind}`, `${META_PACKAGE}.${kind}`];
  return names.find((name) => Object.hasOwn(MODELS, name));
}

/** The model of a list's items; undefined where the kind is no list of something known. */
export const itemModelOf = (apiVersion: string, kind: string): string | undefined =>
  kind.endsWith('List') ? modelOf(apiVersion, kind.slice(0, -'List'.length)) : undefined;
