import {
  byteLength,
  deepEqual,
  forbiddenField,
  invalidValue,
  isConfigMapKey,
  ownMember,
  required,
  tooLong,
  validateImmutableField,
  textOfBase64,
  type FieldError,
} from '#libs/apimachinery';
import type { ConfigMap, Secret } from '../../generated/types.js';
import { judge, type Problems } from '../../problems.js';

/** Most bytes of data in a config map or secret. */
const MOST_BYTES = 1024 * 1024;

type Data = Readonly<Record<string, string>>;

/** How many bytes a base64 text stands for. */
function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

/** Keys that can be files' names. Returns the size of the values. */
function keys(into: Problems, path: string, data: Data | undefined, size: (value: string) => number): number {
  let bytes = 0;
  for (const key in data) {
    judge(into, `${path}[${key}]`, key, isConfigMapKey);
    bytes += size(data[key] ?? '');
  }
  return bytes;
}

/** Every problem of a config map. */
export function validateConfigMap({ data, binaryData }: ConfigMap): readonly FieldError[] {
  const into: Problems = [];
  const size = keys(into, 'data', data, byteLength) + keys(into, 'binaryData', binaryData, decodedLength);
  for (const key in binaryData) {
    if (data?.[key] !== undefined) into.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  if (size > MOST_BYTES) into.push(tooLong('', MOST_BYTES));
  return into;
}

function frozen(into: Problems, next: Secret & ConfigMap, old: Secret & ConfigMap, members: readonly ('data' | 'binaryData')[]): void {
  if (old.immutable !== true) return;
  const detail = 'field is immutable when `immutable` is set';
  if (next.immutable !== true) into.push(forbiddenField('immutable', detail));
  for (const member of members) if (!deepEqual(next[member] ?? {}, old[member] ?? {})) into.push(forbiddenField(member, detail));
}

/** Every problem of a change of a config map. */
export function validateConfigMapUpdate(next: ConfigMap, old: ConfigMap): readonly FieldError[] {
  const into: Problems = [];
  frozen(into, next, old, ['data', 'binaryData']);
  return [...into, ...validateConfigMap(next)];
}

/** What secrets of each type must hold. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const ACCOUNT = 'kubernetes.io/service-account.name';

const holdsJsonMap = (base64: string): boolean => {
  try {
    const value: unknown = JSON.parse(textOfBase64(base64) ?? '');
    return typeof value === 'object' && !Array.isArray(value);
  } catch {
    return false;
  }
};

function byType(into: Problems, { type = '', data = {}, metadata }: Secret): void {
  for (const key of ownMember(NEEDED, type) ?? []) {
    const value = data[key];
    if (value === undefined || (value === '' && type === 'kubernetes.io/ssh-auth')) into.push(required(`data[${key}]`));
    else if (key.startsWith('.docker') && !holdsJsonMap(value)) {
      into.push(invalidValue(`data[${key}]`, '<secret contents redacted>', 'unexpected end of JSON input'));
    }
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    into.push(required('data[username]'), required('data[password]'));
  }
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[ACCOUNT]) {
    into.push(required(`metadata.annotations[${ACCOUNT}]`));
  }
}

/** Every problem of a secret. */
export function validateSecret(secret: Secret): readonly FieldError[] {
  const into: Problems = [];
  const size = keys(into, 'data', secret.data, decodedLength);
  if (size > MOST_BYTES) into.push(tooLong('data', MOST_BYTES));
  byType(into, secret);
  return into;
}

/** Every problem of a change of a secret. */
export function validateSecretUpdate(next: Secret, old: Secret): readonly FieldError[] {
  const into: Problems = [...validateImmutableField(next.type, old.type, 'type')];
  frozen(into, next, old, ['data']);
  return [...into, ...validateSecret(next)];
}
