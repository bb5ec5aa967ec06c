import { gzipSync } from 'node:zlib';
import { DEFINITIONS, type ResourceDefinition } from '#libs/api';
import { ownMember } from '#libs/apimachinery';
import type { Dice } from './dice.js';
import { patchFor } from './patches.js';
import { anyValue, bodyFor, mutated, ODD_TEXTS, textOf } from './values.js';

/** A request as it goes over the wire: a target that is all ASCII, headers that HTTP allows. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  labelSelector: [
    'a=b',
    'a',
    '!a',
    'a in (b,c)',
    'a notin (b)',
    'a!=b',
    'a>1',
    'a<x',
    'a in (',
    'a=b=c',
    ',',
    'a==',
    'A/B/C=d',
    '()',
    'in in (in)',
    'a,,b',
    'a  in\t(b)',
  ],
  fieldSelector: [
    'metadata.name=a',
    'metadata.name!=a',
    'spec.nodeName=',
    'status.phase=Running',
    'a=b',
    '=',
    'metadata.name',
    'metadata.name=a\\,b',
    'a\\',
    ',,',
  ],
  limit: ['1', '0', '-1', '99999999999999999999', 'x', '500'],
  continue: [
    '',
    'x',
    '!!',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vYSJ9',
    'bnVsbA',
    'MQ',
  ],
  resourceVersion: ['0', '1', '5', '999999', '-1', 'x', '99999999999999999999'],
  resourceVersionMatch: ['Exact', 'NotOlderThan', 'exact', ''],
  watch: ['true', 'false', '1', '0', '', 'FALSE'],
  allowWatchBookmarks: ['true', '0', 'x'],
  sendInitialEvents: ['true', 'false', ''],
  timeoutSeconds: ['1', '0', '-5', 'x', '99999999999'],
  dryRun: ['All', 'none', ''],
  fieldManager: ['me', '', 'a'.repeat(129), '\u0007'],
  fieldValidation: ['Strict', 'Warn', 'Ignore', 'strict', ''],
  force: ['true', 'false', ''],
  gracePeriodSeconds: ['0', '-1', '5', 'x', '9223372036854775807'],
  propagationPolicy: ['Foreground', 'Background', 'Orphan', 'x', ''],
  orphanDependents: ['true', 'false'],
  pretty: ['true', '0'],
  includeObject: ['Object', 'None', 'Metadata', 'x'],
  timeout: ['1s', 'x', '-1s', '99999h'],
};

const ACCEPTS: readonly string[] = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,application/json',
  'application/json;stream=watch',
  '*/*',
  'text/html',
  'application/json;q=0',
  'application/json;q=x, */*;q=0.1',
  ';;;,,,=',
  'application/json;as=Table;v=v9;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io',
  'application/cbor',
];

const TYPES: readonly string[] = [
  'application/json',
  'application/json; charset=utf-8',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  '',
  ';',
];

const PATHS: readonly string[] = [
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/api/v2',
  '/apis/apps',
  '/apis/apps/v1',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/version',
  '/healthz',
  '/livez/x',
  '/readyz?verbose',
  '/metrics',
  '/logs',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '//',
  '/api//v1',
  '/api/v1/watch',
  '/api/v1/watch/namespaces/default/configmaps',
  '/api/v1/namespaces/default',
  '/api/v1/namespaces/default/finalize',
  '/%',
  '/api/v1/%ff',
  '/api/v1/namespaces/%2e%2e/pods',
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  '/apis/authentication.k8s.io/v1/tokenreviews',
  '/apis/authentication.k8s.io/v1/selfsubjectreviews',
];

const pathPart = (dice: Dice, usual: string): string => (dice.once(12) ? encodeURIComponent(wellFormed(textOf(dice))) : usual);
/** Half characters can't be written in a URL. */
const wellFormed = (text: string): string => text.replace(/[\ud800-\udfff]/gu, '');

function pathOf(dice: Dice, method: string, { resource, scope, subresources }: ResourceDefinition): string {
  if (dice.once(12)) return dice.pick(PATHS);
  const base =
    resource.group === '' ? `/api/${pathPart(dice, resource.version)}` : `/apis/${resource.group}/${pathPart(dice, resource.version)}`;
  const place = scope === 'Namespaced' && !dice.once(6) ? `/namespaces/${pathPart(dice, 'default')}` : '';
  const name = dice.once(method === 'GET' ? 3 : 8) !== (method === 'POST') ? '' : `/${pathPart(dice, dice.pick(['a', 'b', 'c']))}`;
  // What is streamed from nodes has suites of its own.
  const served = subresources.map((each) => each.name).filter((each) => !['log', 'exec', 'attach', 'portforward', 'proxy'].includes(each));
  const subresource = name !== '' && served.length > 0 && dice.once(5) ? `/${pathPart(dice, dice.pick(served))}` : '';
  return `${base}${place}/${pathPart(dice, resource.resource)}${name}${subresource}`;
}

function queryOf(dice: Dice): string {
  if (dice.once(2)) return '';
  const names = Object.keys(PARAMETERS);
  const pairs = dice.times(4, () => {
    const key = dice.once(15) ? textOf(dice) : dice.pick(names);
    const value = dice.once(8) ? textOf(dice) : dice.pick(ownMember(PARAMETERS, key) ?? ODD_TEXTS);
    return `${encodeURIComponent(wellFormed(key))}=${dice.once(20) ? '%zz' : encodeURIComponent(wellFormed(value))}`;
  });
  return `?${pairs.join('&')}`;
}

const TOKENS: readonly string[] = [
  'x',
  'a.b.c',
  'e30.e30.e30',
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.AAAA',
  '...',
  'abcdef.0123456789abcdef',
];

const impersonation = (dice: Dice): Record<string, string> => ({
  'impersonate-user': dice.pick(['u', 'system:serviceaccount:default:a', 'system:serviceaccount::', '%zz']),
  ...(dice.once(2) ? { 'impersonate-extra-%zz': 'x' } : {}),
});

function headersOf(dice: Dice, contentType: string): Record<string, string> {
  return {
    ...(contentType === '' ? {} : { 'content-type': contentType }),
    ...(dice.once(5) ? { accept: dice.once(3) ? dice.times(3, () => dice.pick(ACCEPTS)).join(', ') : dice.pick(ACCEPTS) } : {}),
    ...(dice.once(20) ? { authorization: `${dice.pick(['Bearer', 'bearer', 'Basic', ''])} ${dice.pick(TOKENS)}` } : {}),
    ...(dice.once(30) ? impersonation(dice) : {}),
    ...(dice.once(40) ? { 'content-encoding': 'gzip' } : {}),
    ...(dice.once(20) ? { 'accept-encoding': dice.pick(['gzip', 'gzip;q=0', 'br', '*']) } : {}),
    ...(dice.once(20) ? { 'user-agent': dice.pick(['kubectl/v1.36', 'curl/8', '', '/']) } : {}),
  };
}

function damaged(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + dice.pick(ODD_TEXTS) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + dice.below(8));
  }
  return text.slice(0, at) + text.slice(Math.max(0, at - 20));
}

const YAML_ODDITIES: readonly string[] = [
  '&a',
  '*a',
  '<<: *a',
  '!!binary x',
  '? x',
  '- - -',
  '{a: ',
  '[',
  '---',
  '...',
  '%YAML 1.1',
  '.nan',
  '.inf',
  '0o17',
  '1_000',
  '12:30:45',
  '~',
  '|',
  '>',
  "'",
  '\t',
];

function yamlOf(dice: Dice, body: unknown): string {
  const text = JSON.stringify(body, null, 1) ?? 'null';
  if (dice.once(2)) return text;
  return text
    .split('\n')
    .map((line) => (dice.once(20) ? `${line} ${dice.pick(YAML_ODDITIES)}` : line))
    .join('\n');
}

function protobufOf(dice: Dice): Buffer {
  const head = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
  const bytes = Buffer.from(dice.times(60, () => dice.below(256)));
  return dice.once(4) ? bytes : Buffer.concat([head, bytes]);
}

function bodyOf(dice: Dice, definition: ResourceDefinition, contentType: string, manifest: unknown): string | Buffer | undefined {
  if (dice.once(12)) return undefined;
  const body = dice.once(10) ? anyValue(dice) : dice.once(3) ? bodyFor(dice, definition) : mutated(dice, manifest);
  if (contentType.includes('protobuf')) return protobufOf(dice);
  if (contentType.includes('yaml')) return yamlOf(dice, body);
  if (contentType.includes('patch')) {
    const patch = patchFor(dice, manifest as Parameters<typeof patchFor>[1]);
    const text = JSON.stringify(patch.type === 'json' ? patch.operations : patch.body) ?? '';
    return dice.once(10) ? damaged(dice, text) : text;
  }
  const text = JSON.stringify(body) ?? '';
  if (dice.once(60)) return gzipSync(text);
  return dice.once(8) ? damaged(dice, text) : text;
}

/** A request to an API server: mostly one that means something, about few objects; `manifests`: what valid bodies are made of. */
export function requestFor(dice: Dice, manifests: readonly (readonly [ResourceDefinition, object])[]): RawRequest {
  const [definition, manifest] = dice.once(3)
    ? [dice.pick(DEFINITIONS), { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' } }]
    : dice.pick(manifests);
  const method = dice.once(40)
    ? dice.pick(['HEAD', 'OPTIONS', 'TRACE', 'CONNECT-X', 'PROPFIND'])
    : dice.pick(['GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
  const path = pathOf(dice, method, definition);
  const contentType =
    method === 'PATCH' && !dice.once(10) ? dice.pick(TYPES.slice(4, 8)) : dice.once(6) ? dice.pick(TYPES) : 'application/json';
  const target = path.includes('?') ? path : path + queryOf(dice);
  const sends = method === 'POST' || method === 'PUT' || method === 'PATCH' || (method === 'DELETE' && dice.once(4));
  return {
    method,
    target,
    headers: headersOf(dice, contentType),
    body: sends ? bodyOf(dice, definition, contentType, manifest) : undefined,
  };
}
