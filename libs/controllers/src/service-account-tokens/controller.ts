import { SECRETS, SERVICEACCOUNTS, type Secret, type ServiceAccount } from '#libs/api';
import { base64OfText, keyOf, type Change, type Controller, type WatchRule } from '#libs/apimachinery';
import { splitKey } from '../watching.js';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';

/** Whose token is to be signed: what goes into its claims. */
export interface LegacyToken {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly accountUid: string;
}

/** What tokens of Secrets are made of. `sign` gives the same token for the same claims. */
export interface ServiceAccountTokenOptions {
  readonly sign: (token: LegacyToken) => string;
  /** PEM. */
  readonly caCertificate: string;
}

export interface ServiceAccountTokenSnapshot {
  readonly secret: Secret;
  readonly account: ServiceAccount | undefined;
}

const accountOf = (secret: Secret): string | undefined => (secret.type === TYPE ? secret.metadata.annotations?.[NAME] : undefined);

const ownSecret: WatchRule = {
  resource: SECRETS,
  keys: (next) => (next && accountOf(next as Secret) !== undefined ? [keyOf(next)] : []),
};

/** An account that comes, goes or is another wakes the Secrets that name it. */
const namedAccount: WatchRule = {
  resource: SERVICEACCOUNTS,
  keys(next, old, lister) {
    if (next && old && next.metadata.uid === old.metadata.uid) return [];
    const { name, namespace } = (next ?? old)?.metadata ?? {};
    return (lister.list(SECRETS, namespace) as readonly Secret[]).filter((secret) => accountOf(secret) === name).map(keyOf);
  },
};

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token, the authority and the namespace, and deletes
 * them with their account: kube-controller-manager's `serviceaccount-token`.
 */
export function serviceAccountTokenController({
  sign,
  caCertificate,
}: ServiceAccountTokenOptions): Controller<ServiceAccountTokenSnapshot> {
  const ca = base64OfText(caCertificate);
  return {
    name: 'serviceaccount-token-controller',
    actor: 'system:kube-controller-manager',
    watches: [ownSecret, namedAccount],
    snapshot(key, lister) {
      const { namespace, name } = splitKey(key);
      const secret = lister.get(SECRETS, namespace, name) as Secret | undefined;
      const account = secret && accountOf(secret);
      if (secret === undefined || account === undefined) return undefined;
      return { secret, account: lister.get(SERVICEACCOUNTS, namespace, account) as ServiceAccount | undefined };
    },
    reconcile({ secret, account }) {
      const { metadata, data = {} } = secret;
      if (metadata.deletionTimestamp !== undefined) return { changes: [] };
      const { name = '', namespace = '', uid: secretUid = '', annotations = {} } = metadata;
      const wanted = annotations[UID] ?? '';
      if (account === undefined || (wanted !== '' && wanted !== account.metadata.uid)) {
        return { changes: [{ verb: 'delete', resource: SECRETS, namespace, name, preconditions: { uid: secretUid } }] };
      }
      const { uid = '', name: accountName = '' } = account.metadata;
      const filled = {
        ...data,
        ...(data['token'] ? {} : { token: base64OfText(sign({ namespace, secret: name, account: accountName, accountUid: uid })) }),
        ...(data['namespace'] ? {} : { namespace: base64OfText(namespace) }),
        'ca.crt': ca,
      };
      const complete = data['token'] && data['namespace'] && data['ca.crt'] === ca && wanted !== '';
      if (complete) return { changes: [] };
      const object: Secret = { ...secret, metadata: { ...metadata, annotations: { ...annotations, [UID]: uid } }, data: filled };
      const change: Change = { verb: 'update', resource: SECRETS, object };
      return { changes: [change] };
    },
  };
}
