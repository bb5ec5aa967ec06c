import { PODS, SERVICEACCOUNTS, type Container, type Pod, type PodSpec, type ServiceAccount, type Volume } from '#libs/api';
import { forbidden } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { NotThereYet } from '../reader.js';

const DEFAULT_ACCOUNT = 'default';
const MIRROR_POD = 'kubernetes.io/config.mirror';
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** One hour and seven seconds: by the odd seven upstream recognises tokens it would only warn about. */
const TOKEN_SECONDS = 3607;
const MODE = 0o644;
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Five characters for the volume's name, from the pod's uid: stable, and another suffix than the pod's own. */
function suffixFrom(uid: string): string {
  const digits = uid.replaceAll('-', '');
  return Array.from({ length: 5 }, (_, i) => ALPHABET[parseInt(digits.slice(i * 4, i * 4 + 4) || '0', 16) % ALPHABET.length]).join('');
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

/**
 * Upstream's ServiceAccount admission of new pods: the account's name filled in and its existence checked, the
 * token volume added to each container that mounts nothing there, the account's pull secrets taken over.
 */
export function admitServiceAccount(pod: Pod, name: string, { read, context }: Case): Pod {
  const spec = pod.spec;
  if (!spec || pod.metadata.annotations?.[MIRROR_POD] !== undefined) return pod;
  const namespace = pod.metadata.namespace ?? '';
  const accountName = spec.serviceAccountName || DEFAULT_ACCOUNT;
  const account = read.object(SERVICEACCOUNTS, namespace, accountName)?.object as ServiceAccount | undefined;
  if (!account) {
    const why = `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`;
    const refusal = forbidden(PODS, name, why);
    throw accountName === DEFAULT_ACCOUNT ? new NotThereYet(refusal, { resource: SERVICEACCOUNTS, namespace, name: accountName }) : refusal;
  }
  const named = { ...spec, serviceAccountName: accountName, serviceAccount: accountName };
  const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  const next = automount ? withToken(named, context.uid) : named;
  const { imagePullSecrets } = account;
  const pulls = !spec.imagePullSecrets?.length && imagePullSecrets?.length ? { imagePullSecrets } : {};
  return { ...pod, spec: { ...next, ...pulls } };
}
