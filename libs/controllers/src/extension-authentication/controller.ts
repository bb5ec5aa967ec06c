import { CONFIGMAPS, NAMESPACES, type ConfigMap } from '#libs/api';
import { deepEqual, type Controller } from '#libs/apimachinery';
import { isActive } from '../serviceaccount/controller.js';
import { namedKey } from '../watching.js';

const NAMESPACE = 'kube-system';
const NAME = 'extension-apiserver-authentication';
const KEY = `${NAMESPACE}/${NAME}`;

/** The authorities (PEM) by which an extension API server knows who asks it. */
export interface ExtensionAuthorities {
  /** Of clients' certificates. */
  readonly clientCa: string;
  /** Of the API server's own certificate when it passes requests on. */
  readonly frontProxyCa: string;
}

/** Whether the namespace is there, and what is published in it. */
export interface ExtensionAuthenticationSnapshot {
  readonly namespaced: boolean;
  readonly published: ConfigMap | undefined;
}

const list = (...items: readonly string[]): string => JSON.stringify(items);

/**
 * Keeps the config map `kube-system/extension-apiserver-authentication`, from which an extension API server learns whom to
 * believe and in which headers users come: kube-apiserver's `cluster-authentication-info`.
 */
export function extensionAuthenticationController(authorities: ExtensionAuthorities): Controller<ExtensionAuthenticationSnapshot> {
  const data: Readonly<Record<string, string>> = {
    'client-ca-file': authorities.clientCa,
    'requestheader-allowed-names': list('front-proxy-client'),
    'requestheader-client-ca-file': authorities.frontProxyCa,
    'requestheader-extra-headers-prefix': list('X-Remote-Extra-'),
    'requestheader-group-headers': list('X-Remote-Group'),
    'requestheader-uid-headers': list('X-Remote-Uid'),
    'requestheader-username-headers': list('X-Remote-User'),
  };
  return {
    name: 'cluster-authentication-info',
    actor: 'system:apiserver',
    initialKeys: [KEY],
    watches: [namedKey(CONFIGMAPS, NAMESPACE, NAME, KEY), namedKey(NAMESPACES, undefined, NAMESPACE, KEY)],
    snapshot(_key, lister) {
      const namespace = lister.get(NAMESPACES, undefined, NAMESPACE);
      return {
        namespaced: namespace !== undefined && isActive(namespace),
        published: lister.get(CONFIGMAPS, NAMESPACE, NAME) as ConfigMap | undefined,
      };
    },
    reconcile({ namespaced, published }) {
      if (!namespaced || (published && deepEqual({ ...published.data, ...data }, published.data))) return { changes: [] };
      const object: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: NAME, namespace: NAMESPACE },
        ...published,
        data: { ...published?.data, ...data },
      };
      return { changes: [{ verb: published ? 'update' : 'create', resource: CONFIGMAPS, object }] };
    },
  };
}
