import { CONFIGMAPS, NAMESPACES, type ConfigMap, type Namespace } from '#libs/api';
import { deepEqual, type Controller, type WatchRule } from '#libs/apimachinery';
import { isActive } from '../serviceaccount/controller.js';
import { ownKey } from '../watching.js';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';
const SENTENCE =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or ' +
  'kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export interface RootCaSnapshot {
  readonly namespace: Namespace;
  readonly published: ConfigMap | undefined;
}

const changedCopies: WatchRule = {
  resource: CONFIGMAPS,
  keys: (next, old) => ((next ?? old)?.metadata.name === NAME ? [(next ?? old)?.metadata.namespace ?? ''] : []),
};

/** Puts the cluster's CA certificate (PEM) into a config map of every namespace: kube-controller-manager's `root-ca-certificate-publisher`. */
export function rootCaController(caPem: string): Controller<RootCaSnapshot> {
  const data = { 'ca.crt': caPem };
  return {
    name: 'root-ca-certificate-publisher',
    actor: 'system:serviceaccount:kube-system:root-ca-cert-publisher',
    watches: [ownKey(NAMESPACES), changedCopies],
    snapshot(key, lister) {
      const namespace = lister.get(NAMESPACES, undefined, key) as Namespace | undefined;
      return namespace && { namespace, published: lister.get(CONFIGMAPS, key, NAME) as ConfigMap | undefined };
    },
    reconcile({ namespace, published }) {
      if (!isActive(namespace)) return { changes: [] };
      const described = published?.metadata.annotations?.[DESCRIPTION] !== undefined && published.metadata.annotations[DESCRIPTION] !== '';
      if (published && described && deepEqual(published.data, data)) return { changes: [] };
      const metadata = published?.metadata ?? { name: NAME, namespace: namespace.metadata.name ?? '' };
      const object: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        ...published,
        metadata: { ...metadata, annotations: { ...metadata.annotations, [DESCRIPTION]: SENTENCE } },
        data,
      };
      return { changes: [{ verb: published ? 'update' : 'create', resource: CONFIGMAPS, object }] };
    },
  };
}
