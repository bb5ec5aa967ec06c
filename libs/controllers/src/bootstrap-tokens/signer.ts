import { CONFIGMAPS, NAMESPACES, SECRETS, type ConfigMap, type Secret } from '#libs/api';
import { deepEqual, type Controller, type WatchRule } from '#libs/apimachinery';
import { detachedSignature } from './jws.js';
import { endOf, isBootstrapToken, signingToken, TOKEN_NAMESPACE } from './token.js';

const NAMESPACE = 'kube-public';
const NAME = 'cluster-info';
const KEY = `${NAMESPACE}/${NAME}`;
const SIGNATURE = 'jws-kubeconfig-';
/** Tokens that sign: more than anybody makes. */
const MOST_TOKENS = 1_000;

/** What `cluster-info` tells those who want to join: where the API server is, and by which authority they know it. */
export interface ClusterInfo {
  /** The API server's URL. */
  readonly server: string;
  /** PEM, as base64. */
  readonly caData: string;
}

export interface SigningSnapshot {
  readonly info: ConfigMap | undefined;
  readonly tokens: readonly Secret[];
}

const info: WatchRule = {
  resource: CONFIGMAPS,
  keys: (next, old) => ((next ?? old)?.metadata.name === NAME && (next ?? old)?.metadata.namespace === NAMESPACE ? [KEY] : []),
};
const tokens: WatchRule = {
  resource: SECRETS,
  keys: (next, old) => ([next, old].some((secret) => secret && isBootstrapToken(secret as Secret)) ? [KEY] : []),
};
const place: WatchRule = { resource: NAMESPACES, keys: (next, old) => (next && !old && next.metadata.name === NAMESPACE ? [KEY] : []) };

/** A kubeconfig that names a cluster and no user. */
const kubeconfigOf = ({ server, caData }: ClusterInfo): string =>
  [
    'apiVersion: v1',
    'clusters:',
    '- cluster:',
    `    certificate-authority-data: ${caData}`,
    `    server: ${server}`,
    '  name: ""',
    'contexts: null',
    'current-context: ""',
    'kind: Config',
    'preferences: {}',
    'users: null',
    '',
  ].join('\n');

/**
 * Keeps the config map `cluster-info` in kube-public, signed by each bootstrap token that may sign, so that whoever holds one
 * knows the cluster by it: kube-controller-manager's `bootstrap-signer`, and what kubeadm makes it of.
 */
export function bootstrapSigner(cluster: ClusterInfo): Controller<SigningSnapshot> {
  return {
    name: 'bootstrap-signer',
    actor: 'system:serviceaccount:kube-system:bootstrap-signer',
    initialKeys: [KEY],
    watches: [info, tokens, place],
    snapshot(_key, lister) {
      if (!lister.get(NAMESPACES, undefined, NAMESPACE)) return undefined;
      const secrets = (lister.list(SECRETS, TOKEN_NAMESPACE) as readonly Secret[]).filter(isBootstrapToken);
      return { info: lister.get(CONFIGMAPS, NAMESPACE, NAME) as ConfigMap | undefined, tokens: secrets.slice(0, MOST_TOKENS) };
    },
    reconcile({ info: found, tokens: secrets }, now) {
      const kubeconfig = found?.data?.['kubeconfig'] ?? kubeconfigOf(cluster);
      const others = Object.entries(found?.data ?? {}).filter(([key]) => !key.startsWith(SIGNATURE));
      const signing = secrets.flatMap((secret) => signingToken(secret, now) ?? []);
      const signatures = signing.map(({ id, secret }) => [`${SIGNATURE}${id}`, detachedSignature(kubeconfig, id, secret)] as const);
      const data = { ...Object.fromEntries(others), kubeconfig, ...Object.fromEntries(signatures) };
      const ends = secrets.map((secret) => endOf(secret) ?? Infinity).filter((end) => end > now && end < Infinity);
      const again = ends.length === 0 ? {} : { requeueAfterMs: Math.min(...ends) - now };
      if (deepEqual(found?.data, data)) return { changes: [], ...again };
      const metadata = found?.metadata ?? { name: NAME, namespace: NAMESPACE };
      const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', ...found, metadata, data };
      return { changes: [{ verb: found ? 'update' : 'create', resource: CONFIGMAPS, object }], ...again };
    },
  };
}
