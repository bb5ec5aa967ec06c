import { deepEqual, isJsonObject, StatusError, type KubeObject, type ObjectMeta } from '#libs/apimachinery';
import type { CustomResourceConversion, CustomResourceDefinition } from '#libs/custom-resources';
import type { VersionWebhook } from '../../definition.js';

/** As long as upstream waits for a conversion. */
const TIMEOUT_SECONDS = 30;

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

interface ReviewAnswer {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly response?: {
    readonly uid?: unknown;
    readonly convertedObjects?: unknown;
    readonly result?: { readonly status?: unknown; readonly message?: unknown };
  };
}

function failure(crd: CustomResourceDefinition, from: string, why: string): StatusError {
  return new StatusError('InternalError', `conversion webhook for ${from}, Kind=${crd.spec.names.kind} failed: ${why}`);
}

/** The converted object with the metadata that a webhook can't change: only labels and annotations are its own to say. */
function restored(original: KubeObject, converted: KubeObject, index: number): KubeObject {
  const { labels, annotations } = converted.metadata;
  const { labels: _labels, annotations: _annotations, ...kept } = original.metadata;
  for (const name of ['name', 'namespace', 'uid'] as const) {
    const wrong = !deepEqual(converted.metadata[name], original.metadata[name]);
    if (wrong) throw new Error(`invalid metadata in object at index ${index}: metadata.${name} must not be changed`);
  }
  const metadata: ObjectMeta = { ...kept, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
  return { ...converted, metadata };
}

function convertedOf(answer: ReviewAnswer, uid: string, originals: readonly KubeObject[], wanted: string): readonly KubeObject[] {
  const { response } = answer;
  if (!isJsonObject(response)) throw new Error('no response provided');
  if (response.uid !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  const { status, message } = isJsonObject(response.result) ? response.result : {};
  if (status !== 'Success') throw new Error(typeof message === 'string' && message !== '' ? message : 'unknown reason');
  const { convertedObjects } = response;
  const list: readonly unknown[] = Array.isArray(convertedObjects) ? convertedObjects : [];
  if (list.length !== originals.length) {
    throw new Error(`webhook returned ${list.length} objects, expected ${originals.length}`);
  }
  return originals.map((original, index) => {
    const one = list[index];
    if (!isJsonObject(one) || !isJsonObject(one['metadata'])) throw new Error(`invalid metadata in object at index ${index}`);
    if (one['apiVersion'] !== wanted) {
      throw new Error(`invalid groupVersion (at index ${index}): expected ${wanted}, got ${String(one['apiVersion'])}`);
    }
    if (one['kind'] !== original.kind)
      throw new Error(`invalid kind (at index ${index}): expected ${original.kind}, got ${String(one['kind'])}`);
    return restored(original, one as unknown as KubeObject, index);
  });
}

/** The conversion webhook of a definition; undefined where its versions differ in name alone. */
export function versionWebhookOf(crd: CustomResourceDefinition): VersionWebhook | undefined {
  const { conversion } = crd.spec;
  const client = conversion?.strategy === 'Webhook' ? conversion.webhook?.clientConfig : undefined;
  if (!client) return undefined;
  const apiVersion = `apiextensions.k8s.io/${reviewVersionOf(conversion)}`;
  return {
    target: client.service ? { service: client.service } : { url: client.url ?? '' },
    ...(client.caBundle ? { caBundle: client.caBundle } : {}),
    timeoutSeconds: TIMEOUT_SECONDS,
    review: (uid, objects, desiredAPIVersion) => ({ kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } }),
    converted(uid, objects, wanted, answer) {
      const from = objects[0]?.apiVersion ?? wanted;
      if ('failure' in answer) throw failure(crd, from, answer.failure);
      try {
        return convertedOf(isJsonObject(answer.body) ? answer.body : {}, uid, objects, wanted);
      } catch (error) {
        throw failure(crd, from, error instanceof Error ? error.message : String(error));
      }
    },
  };
}

function reviewVersionOf(conversion: CustomResourceConversion | undefined): string {
  const asked = conversion?.webhook?.conversionReviewVersions ?? [];
  return asked.find((version) => REVIEW_VERSIONS.includes(version)) ?? 'v1';
}
