import { NAMESPACES, SERVICEACCOUNTS, type Namespace, type ServiceAccount } from '#libs/api';
import type { Controller, Reconcile, WatchRule } from '#libs/apimachinery';
import { ownKey } from '../watching.js';

const NAME = 'default';

export interface ServiceAccountSnapshot {
  readonly namespace: Namespace;
  readonly account: ServiceAccount | undefined;
}

/** A namespace that is being deleted gets nothing new. */
export const isActive = ({ status, metadata }: Namespace): boolean =>
  status?.phase !== 'Terminating' && metadata.deletionTimestamp === undefined;

/** Each namespace has a ServiceAccount `default`, which pods use that name no other. */
export const reconcileServiceAccount: Reconcile<ServiceAccountSnapshot> = ({ namespace, account }) => {
  if (account || !isActive(namespace)) return { changes: [] };
  const object: ServiceAccount = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: NAME, namespace: namespace.metadata.name ?? '' },
  };
  return { changes: [{ verb: 'create', resource: SERVICEACCOUNTS, object }] };
};

const deletedAccounts: WatchRule = {
  resource: SERVICEACCOUNTS,
  keys: (next, old) => (next === undefined && old?.metadata.name === NAME ? [old.metadata.namespace ?? ''] : []),
};

/** kube-controller-manager's `serviceaccount`. A key is a namespace. */
export const serviceAccountController: Controller<ServiceAccountSnapshot> = {
  name: 'serviceaccount-controller',
  actor: 'system:serviceaccount:kube-system:service-account-controller',
  watches: [ownKey(NAMESPACES), deletedAccounts],
  snapshot(key, lister) {
    const namespace = lister.get(NAMESPACES, undefined, key) as Namespace | undefined;
    return namespace && { namespace, account: lister.get(SERVICEACCOUNTS, key, NAME) as ServiceAccount | undefined };
  },
  reconcile: reconcileServiceAccount,
};
