import { SECRETS, type Secret } from '#libs/api';
import { keyOf, type Controller, type WatchRule } from '#libs/apimachinery';
import { splitKey } from '../watching.js';
import { endOf, isBootstrapToken } from './token.js';

export interface TokenCleaningSnapshot {
  readonly secret: Secret;
}

const tokens: WatchRule = {
  resource: SECRETS,
  keys: (next) => (next && isBootstrapToken(next as Secret) ? [keyOf(next)] : []),
};

/** Deletes bootstrap tokens at their end: kube-controller-manager's `token-cleaner`. */
export const tokenCleaner: Controller<TokenCleaningSnapshot> = {
  name: 'token-cleaner',
  actor: 'system:serviceaccount:kube-system:token-cleaner',
  watches: [tokens],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const secret = lister.get(SECRETS, namespace, name) as Secret | undefined;
    return secret && isBootstrapToken(secret) ? { secret } : undefined;
  },
  reconcile({ secret }, now) {
    const end = endOf(secret);
    if (end === undefined) return { changes: [] };
    if (end > now) return { changes: [], requeueAfterMs: end - now };
    const { name = '', namespace = '', uid = '' } = secret.metadata;
    return { changes: [{ verb: 'delete', resource: SECRETS, namespace, name, preconditions: { uid } }] };
  },
};
