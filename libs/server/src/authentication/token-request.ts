import { decode, NODES, PODS, SECRETS, type BoundObjectReference, type Pod, type TokenRequest } from '#libs/api';
import {
  badRequest,
  conflict,
  formatTime,
  invalid,
  invalidValue,
  notFound,
  type GroupVersionResource,
  type KubeObject,
} from '#libs/apimachinery';
import type { StateView, World, WritePath } from '#libs/runtime';
import { mediaTypeOf, parseObject, readBody } from '../encoding/body.js';
import { annotate, type Call } from '../call.js';
import { negotiate, WITHOUT_TABLE } from '../encoding/negotiate.js';
import type { Reader } from '../reads/reader.js';
import { requesterOf } from '../requester.js';
import { sendObject } from '../encoding/respond.js';
import type { ServedResource } from '../served-resource.js';
import type { BoundClaims } from './token-claims.js';
import type { TokenKeys } from './token-keys.js';

const MODEL = 'io.k8s.api.authentication.v1.TokenRequest';
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const DEFAULT_SECONDS = 3600;
/** What kubelets ask for on behalf of pods: such tokens live a year, and are watched for use beyond their hour. */
const POD_TOKEN_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;

/** What tokens are made from. */
export interface TokenRequestSources {
  readonly keys: TokenKeys;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly reader: Reader;
  readonly view: StateView;
  readonly world: World;
  readonly maxBodyBytes: number;
  readonly writePath: WritePath;
}

/** Serves `serviceaccounts/<name>/token`. */
export async function createToken(sources: TokenRequestSources, call: Call, accounts: ServedResource): Promise<void> {
  const { request, response, info } = call;
  const { format } = negotiate(request.headers.accept, WITHOUT_TABLE);
  const bytes = await readBody(request, sources.maxBodyBytes);
  const { value } = parseObject(mediaTypeOf(request), bytes, 'TokenRequest', false);
  const asked = decode<TokenRequest>(MODEL, value, { strict: false }).object;
  const { namespace, name } = info;
  checkPlace(asked, namespace, name);
  const account = (await sources.reader.get(accounts, { namespace, name }, '', call.signal)).object;
  const spec = asked.spec ?? { audiences: [] };
  const expirationSeconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
  const asks = spec.audiences ?? [];
  const audiences = asks.length === 0 ? sources.audiences : asks;
  checkExpiration(expirationSeconds);
  const result = await sources.writePath.execute({
    verb: 'create',
    definition: accounts.definition,
    subresource: 'token',
    namespace,
    name,
    object: asked,
    options: {},
    requester: requesterOf(call),
  });
  annotate(call, accounts.definition, result);
  const bound = boundTo(sources.view, spec.boundObjectRef, namespace, name);
  const now = Math.floor(sources.world.now() / 1000);
  const own = audiences.every((audience) => sources.audiences.includes(audience));
  const extended = bound.pod !== undefined && expirationSeconds === POD_TOKEN_SECONDS && own;
  const token = sources.keys.sign({
    aud: audiences,
    exp: now + (extended ? EXTENDED_SECONDS : expirationSeconds),
    iat: now,
    iss: sources.issuer,
    jti: sources.world.uuid(),
    'kubernetes.io': {
      namespace,
      ...bound,
      serviceaccount: { name, uid: account.metadata.uid ?? '' },
      ...(extended ? { warnafter: now + expirationSeconds } : {}),
    },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${name}`,
  });
  const answer = {
    ...asked,
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...asked.metadata, name, namespace, creationTimestamp: formatTime(now * 1000) },
    spec: { ...spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: formatTime((now + expirationSeconds) * 1000) },
  };
  await sendObject(request, response, 201, answer, { format, warnings: result.warnings });
}

/** What the body says of its place must be what the URL says. */
function checkPlace({ metadata }: TokenRequest, namespace: string, name: string): void {
  const wrong = (field: string, value: string, what: string): Error =>
    invalid('authentication.k8s.io', 'TokenRequest', name, [
      invalidValue(`metadata.${field}`, value, `must match the ${what} if specified`),
    ]);
  if (metadata.name && metadata.name !== name) throw wrong('name', metadata.name, 'service account name');
  if (metadata.namespace && metadata.namespace !== namespace) throw wrong('namespace', metadata.namespace, 'service account namespace');
}

function checkExpiration(seconds: number): void {
  const problem =
    seconds < MIN_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > MAX_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem === undefined) return;
  throw invalid('authentication.k8s.io', 'TokenRequest', '', [invalidValue('spec.expirationSeconds', seconds, problem)]);
}

type Bound = Pick<BoundClaims, 'pod' | 'secret' | 'node'>;

/** What the token is to live no longer than, as claims. Throws in upstream's words where it can't be bound. */
function boundTo(view: StateView, ref: BoundObjectReference | null | undefined, namespace: string, account: string): Bound {
  if (!ref) return {};
  const { kind = '', apiVersion = '', name = '' } = ref;
  const find = (resource: GroupVersionResource, place: string): KubeObject => {
    const found = view.entry(resource, place, name)?.object;
    if (found === undefined) throw notFound(resource, name);
    const { uid = '' } = found.metadata;
    if (ref.uid !== undefined && ref.uid !== '' && ref.uid !== uid) {
      const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict({ group: '', resource: kind }, name, why);
    }
    return found;
  };
  const reference = ({ metadata }: KubeObject): { name: string; uid: string } => ({ name: metadata.name ?? '', uid: metadata.uid ?? '' });
  if (apiVersion === 'v1' && kind === 'Pod') {
    const pod = find(PODS, namespace) as Pod;
    if (pod.spec?.serviceAccountName !== account) {
      throw badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
      );
    }
    const nodeName = pod.spec.nodeName ?? '';
    const node = nodeName === '' ? undefined : view.entry(NODES, '', nodeName)?.object;
    return { pod: reference(pod), ...(node === undefined ? {} : { node: reference(node) }) };
  }
  if (apiVersion === 'v1' && kind === 'Secret') return { secret: reference(find(SECRETS, namespace)) };
  if (apiVersion === 'v1' && kind === 'Node') return { node: reference(find(NODES, '')) };
  throw badRequest(`cannot bind token to object of type ${apiVersion === 'v1' ? '/v1' : apiVersion}, Kind=${kind}`);
}
