import type { Secret, ServiceAccount } from '#libs/api';
import { serviceAccountTokenController } from './controller.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const controller = serviceAccountTokenController({ sign: (token) => `signed ${JSON.stringify(token)}`, caCertificate: 'PEM' });
const account: ServiceAccount = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'bob', namespace: 'a', uid: 'bob-uid' } };
const secret = (annotations: Record<string, string> = {}, data?: Record<string, string>): Secret => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: { name: 's', namespace: 'a', uid: 's-uid', annotations: { 'kubernetes.io/service-account.name': 'bob', ...annotations } },
  type: 'kubernetes.io/service-account-token',
  ...(data ? { data } : {}),
});
const UID = 'kubernetes.io/service-account.uid';
const decide = (about: Secret, of: ServiceAccount | undefined): ReturnType<typeof controller.reconcile>['changes'] =>
  controller.reconcile({ secret: about, account: of }, 0).changes;
const filled = {
  token: base64('signed {"namespace":"a","secret":"s","account":"bob","accountUid":"bob-uid"}'),
  namespace: base64('a'),
  'ca.crt': base64('PEM'),
};

describe('a Secret for the token of a service account', () => {
  it('gets its token, the authority, the namespace and the account’s uid', () => {
    expect(decide(secret(), account)).toEqual([
      expect.objectContaining({ verb: 'update', object: { ...secret({ [UID]: 'bob-uid' }), data: filled } }),
    ]);
  });

  it('that is complete stays as it is, with the token it has', () => {
    expect(decide(secret({ [UID]: 'bob-uid' }, { ...filled, token: 'own', extra: 'eA==' }), account)).toEqual([]);
  });

  it('of another authority gets the one of now', () => {
    const [change] = decide(secret({ [UID]: 'bob-uid' }, { ...filled, 'ca.crt': 'b2xk' }), account);
    expect(change).toMatchObject({ verb: 'update', object: { data: filled } });
  });

  it.each<[string, Secret, ServiceAccount | undefined]>([
    ['of no account', secret(), undefined],
    ['of an account that was another', secret({ [UID]: 'former' }), account],
  ])('%s is deleted', (_, about, of) => {
    expect(decide(about, of)).toEqual([
      {
        verb: 'delete',
        resource: { group: '', version: 'v1', resource: 'secrets' },
        namespace: 'a',
        name: 's',
        preconditions: { uid: 's-uid' },
      },
    ]);
  });
});
