import { ForeignStatusError, isJsonObject, sha256Hex, textOfBase64, type JsonObject } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import type { Attributes } from '../plugin.js';
import { admissionRequest } from './activation.js';
import type { Matched } from './matching.js';

/** The versions of AdmissionReview that are spoken; a webhook's first that is known is used. */
const VERSIONS = ['v1', 'v1beta1'];
const GROUP = 'admission.k8s.io';

/** A uid for one call of a write: the same each time the decision is made again. */
export function callUid(write: string, call: string): string {
  const hex = sha256Hex(`${write}/${call}`);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

/** The AdmissionReview that a webhook is sent. */
export function reviewOf(
  given: Case,
  attributes: Attributes,
  matched: Matched,
  own: Matched,
  uid: string,
  versions: readonly string[],
): JsonObject {
  const [version = 'v1'] = versions.filter((each) => VERSIONS.includes(each));
  const [object, old] = [matched.convert(attributes.object), matched.convert(attributes.old)];
  return {
    kind: 'AdmissionReview',
    apiVersion: `${GROUP}/${version}`,
    request: { uid, ...admissionRequest(given, attributes, matched, own), object: object ?? null, oldObject: old ?? null },
  };
}

/** What a webhook answered, once it was found to be an answer. */
export interface Review {
  readonly allowed: boolean;
  readonly patch: readonly unknown[] | undefined;
  readonly result: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The operations of a patch. Throws a sentence where it is none. */
export function operationsOf(patch: string): readonly unknown[] {
  const text = textOfBase64(patch);
  if (text === undefined) throw new Error('illegal base64 data');
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw new Error('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  return parsed;
}

/** What is wrong with patch and patchType together; undefined: nothing. */
function patchProblem(patch: string, patchType: unknown, mutating: boolean): string | undefined {
  const typed = patchType !== undefined && patchType !== null;
  if (!mutating) {
    if (patch !== '') return 'validating webhook may not return response.patch';
    return typed ? 'validating webhook may not return response.patchType' : undefined;
  }
  if (patch !== '' && !typed) return 'webhook returned response.patch but not response.patchType';
  if (patch === '' && typed) return 'webhook returned response.patchType but not response.patch';
  return typed && patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

function responseProblem(body: JsonObject, response: unknown, uid: string, version: string): string | undefined {
  if (!isJsonObject(response)) return 'webhook response was absent';
  if (version !== 'v1') return undefined;
  if (response['uid'] !== uid) return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response['uid']))}`;
  const [apiVersion, kind] = [text(body['apiVersion']), text(body['kind'])];
  if (apiVersion === `${GROUP}/v1` && kind === 'AdmissionReview') return undefined;
  return `expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`;
}

/** An answer read strictly, or what is wrong with it in upstream's words (`admissionreview.go`). */
export function readReview(body: unknown, uid: string, version: string, mutating: boolean): Review | { readonly problem: string } {
  if (!isJsonObject(body)) return { problem: 'webhook response was absent' };
  const response = body['response'];
  const problem = responseProblem(body, response, uid, version);
  if (problem !== undefined || !isJsonObject(response)) return { problem: problem ?? 'webhook response was absent' };
  const patch = text(response['patch']);
  const type = version === 'v1' ? response['patchType'] : patch === '' ? undefined : 'JSONPatch';
  const wrong = version === 'v1' || mutating ? patchProblem(patch, type, mutating) : undefined;
  if (wrong !== undefined) return { problem: wrong };
  if (type !== undefined && type !== null && type !== 'JSONPatch') return { problem: `unsupported patch type ${JSON.stringify(type)}` };
  const result = response['status'];
  return {
    allowed: response['allowed'] === true,
    patch: patch === '' ? undefined : operationsOf(patch),
    result: isJsonObject(result) ? result : undefined,
    warnings: strings(response['warnings']),
    annotations: annotationsOf(response['auditAnnotations']),
  };
}

/** A webhook's refusal as the client hears it. */
export function denial(webhook: string, result: JsonObject | undefined): ForeignStatusError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const [message, reason] = [text(result?.['message']), text(result?.['reason'])];
  const code = typeof result?.['code'] === 'number' && result['code'] >= 400 ? result['code'] : 400;
  const details = isJsonObject(result?.['details']) ? result['details'] : undefined;
  const sentence = message !== '' ? `${by}: ${message}` : reason !== '' ? `${by}: ${reason}` : `${by} without explanation`;
  return new ForeignStatusError(sentence, { code, ...(reason === '' ? {} : { reason }), ...(details ? { details } : {}) });
}
