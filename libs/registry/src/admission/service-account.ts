import { PODS, SERVICEACCOUNTS, MIRROR, type Container, type Pod, type PodSpec, type ServiceAccount, type Volume } from '#libs/api';
import { forbidden, GENERATED_NAME_ALPHABET } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { NotThereYet } from '../reader.js';
import { isAbout } from './about.js';
import { foreignEphemeralSecret, foreignSecret, secretsOf } from './mountable-secrets.js';
import type { MutatingPlugin, ValidatingPlugin } from './plugin.js';

const DEFAULT_ACCOUNT = 'default';
const ENFORCED = 'kubernetes.io/enforce-mountable-secrets';
/** What Go's strconv.ParseBool takes for true. */
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** One hour and seven seconds: by the odd seven upstream recognises tokens it would only warn about. */
const TOKEN_SECONDS = 3607;
const MODE = 0o644;

/** Five characters for the volume's name, from the pod's uid: stable, and another suffix than the pod's own. */
function suffixFrom(uid: string): string {
  const digits = uid.replaceAll('-', '');
  return Array.from(
    { length: 5 },
    (_, i) => GENERATED_NAME_ALPHABET[parseInt(digits.slice(i * 4, i * 4 + 4) || '0', 16) % GENERATED_NAME_ALPHABET.length],
  ).join('');
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
    defaultMode: MODE,
  },
});

const mounted = ({ volumeMounts }: Container): boolean => volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH) ?? false;

function withToken(spec: PodSpec, uid: string): PodSpec {
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  if (all.every(mounted)) return spec;
  const existing = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = existing?.name ?? `${VOLUME_PREFIX}${suffixFrom(uid)}`;
  const mount = (container: Container): Container =>
    mounted(container)
      ? container
      : { ...container, volumeMounts: [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }] };
  return {
    ...spec,
    ...(existing ? {} : { volumes: [...(spec.volumes ?? []), tokenVolume(name)] }),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(mount) } : {}),
    containers: spec.containers.map(mount),
  };
}

/** What a pod that a node made up by itself may not name. */
function checkMirror({ spec }: Pod, name: string): void {
  if (spec?.serviceAccountName) throw forbidden(PODS, name, 'a mirror pod may not reference service accounts');
  if (spec && secretsOf(spec).length > 0) throw forbidden(PODS, name, 'a mirror pod may not reference secrets');
  const projected = (spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  if (projected.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)) {
    throw forbidden(PODS, name, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

function accountOf(pod: Pod, accountName: string, name: string, { read }: Case): ServiceAccount {
  const namespace = pod.metadata.namespace ?? '';
  const account = read.object(SERVICEACCOUNTS, namespace, accountName)?.object as ServiceAccount | undefined;
  if (account) return account;
  const why = `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`;
  const refusal = forbidden(PODS, name, why);
  throw accountName === DEFAULT_ACCOUNT ? new NotThereYet(refusal, { resource: SERVICEACCOUNTS, namespace, name: accountName }) : refusal;
}

function withAccount(pod: Pod, name: string, given: Case): Pod {
  const { spec } = pod;
  if (!spec) return pod;
  if (pod.metadata.annotations?.[MIRROR] !== undefined) {
    checkMirror(pod, name);
    return pod;
  }
  const accountName = spec.serviceAccountName || DEFAULT_ACCOUNT;
  const account = accountOf(pod, accountName, name, given);
  const named = { ...spec, serviceAccountName: accountName, serviceAccount: accountName };
  const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  const next = automount ? withToken(named, given.context.uid) : named;
  const { imagePullSecrets } = account;
  const pulls = !spec.imagePullSecrets?.length && imagePullSecrets?.length ? { imagePullSecrets } : {};
  return { ...pod, spec: { ...next, ...pulls } };
}

/**
 * ServiceAccount, mutating: a new pod's account is filled in and must exist, its token's volume is added to each
 * container that mounts nothing there, its pull secrets are taken over.
 */
export const serviceAccount: MutatingPlugin = {
  name: 'ServiceAccount',
  operations: ['CREATE'],
  mutate: (object, attributes, given) => (isAbout(given, attributes, PODS) ? withAccount(object as Pod, attributes.name, given) : object),
};

/** ServiceAccount, validating: pods of an account that says so use only the secrets that it lists. */
export const mountableSecrets: ValidatingPlugin = {
  name: 'ServiceAccount',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, given) {
    const { object, old, name } = attributes;
    if (!isAbout(given, attributes, PODS, old ? 'ephemeralcontainers' : '')) return undefined;
    const pod = object as Pod;
    if (!pod.spec || pod.metadata.annotations?.[MIRROR] !== undefined) return undefined;
    const account = accountOf(pod, pod.spec.serviceAccountName || DEFAULT_ACCOUNT, name, given);
    if (!TRUE.has(account.metadata.annotations?.[ENFORCED] ?? '')) return undefined;
    const why = old ? foreignEphemeralSecret(pod.spec, account) : foreignSecret(pod.spec, account);
    if (why !== undefined) throw forbidden(PODS, name, why);
    return undefined;
  },
};
