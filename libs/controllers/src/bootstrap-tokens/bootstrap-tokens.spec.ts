import { createHmac, randomBytes } from 'node:crypto';
import type { ConfigMap, Secret } from '#libs/api';
import { tokenCleaner } from './cleaner.js';
import { detachedSignature, hmacSha256 } from './jws.js';
import { bootstrapSigner } from './signer.js';
import { signingToken } from './token.js';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const token = (data: Record<string, string> = {}, more: object = {}): Secret => {
  const whole = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...data };
  return {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system', uid: 'u' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, base64(value)])),
    ...more,
  };
};
const cluster = { server: 'https://10.64.0.1:6443', caData: base64('PEM') };

describe('a detached signature', () => {
  it.each([0, 1, 63, 64, 65, 200])('is HMAC with SHA-256, with a key of %d bytes', (length) => {
    const [key, text] = [randomBytes(length), randomBytes(100)];
    expect(Buffer.from(hmacSha256(key, text))).toEqual(createHmac('sha256', key).update(text).digest());
  });

  it('is one that clients of upstream check', () => {
    const [header = '', payload, signature] = detachedSignature('Hello', 'joshua', 'my secret token').split('.');
    expect([JSON.parse(Buffer.from(header, 'base64url').toString()), payload]).toEqual([{ alg: 'HS256', kid: 'joshua' }, '']);
    const signed = `${header}.${Buffer.from('Hello').toString('base64url')}`;
    expect(signature).toBe(createHmac('sha256', 'my secret token').update(signed).digest('base64url'));
  });
});

describe('a bootstrap token', () => {
  it.each<[string, Secret, boolean]>([
    ['that is whole signs', token(), true],
    ['signs until its end', token({ expiration: '2026-01-02T03:04:06Z' }), true],
    ['does not sign from its end on', token({ expiration: '2026-01-02T03:04:05Z' }), false],
    ['does not sign where its end can not be read', token({ expiration: 'soon' }), false],
    ['that is not for signing does not', token({ 'usage-bootstrap-signing': 'yes' }), false],
    ['under another name does not', token({}, { metadata: { name: 'x', namespace: 'kube-system' } }), false],
    ['elsewhere does not', token({}, { metadata: { name: 'bootstrap-token-abcdef', namespace: 'default' } }), false],
    ['of another type does not', token({}, { type: 'Opaque' }), false],
  ])('%s', (_, secret, signs) => {
    expect(signingToken(secret, NOW)).toEqual(signs ? { id: 'abcdef', secret: '0123456789abcdef' } : undefined);
  });

  it('is deleted at its end, and looked at again then', () => {
    const reconcile = (secret: Secret): unknown => tokenCleaner.reconcile({ secret }, NOW);
    expect(reconcile(token())).toEqual({ changes: [] });
    expect(reconcile(token({ expiration: '2026-01-02T03:04:15Z' }))).toEqual({ changes: [], requeueAfterMs: 10_000 });
    expect(reconcile(token({ expiration: '2026-01-02T03:04:05Z' }))).toEqual({
      changes: [
        {
          verb: 'delete',
          resource: { group: '', version: 'v1', resource: 'secrets' },
          namespace: 'kube-system',
          name: 'bootstrap-token-abcdef',
          preconditions: { uid: 'u' },
        },
      ],
    });
  });
});

describe('cluster-info', () => {
  const signer = bootstrapSigner(cluster);
  const decide = (info: ConfigMap | undefined, ...tokens: readonly Secret[]): ReturnType<typeof signer.reconcile> =>
    signer.reconcile({ info, tokens }, NOW);
  const written = (result: ReturnType<typeof signer.reconcile>): ConfigMap | undefined => {
    const [change] = result.changes;
    return change && change.verb !== 'delete' ? (change.object as ConfigMap) : undefined;
  };

  it('is made with the address and the authority of the API server, and signed by each token', () => {
    const made = written(decide(undefined, token()));
    expect(made?.metadata).toEqual({ name: 'cluster-info', namespace: 'kube-public' });
    const { kubeconfig = '', ...signatures } = made?.data ?? {};
    expect(kubeconfig).toContain(`certificate-authority-data: ${cluster.caData}\n    server: https://10.64.0.1:6443`);
    expect(signatures).toEqual({ 'jws-kubeconfig-abcdef': detachedSignature(kubeconfig, 'abcdef', '0123456789abcdef') });
  });

  it('keeps what somebody wrote into it, loses the signatures of tokens that are gone, and else stays as it is', () => {
    const made = written(decide(undefined, token()));
    const own: ConfigMap = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'cluster-info', namespace: 'kube-public' },
      data: { ...made?.data, kubeconfig: 'own', 'jws-kubeconfig-gone': 'x', more: 'y' },
    };
    const next = written(decide(own, token()));
    expect(next?.data).toEqual({
      kubeconfig: 'own',
      more: 'y',
      'jws-kubeconfig-abcdef': detachedSignature('own', 'abcdef', '0123456789abcdef'),
    });
    expect(decide(next, token())).toEqual({ changes: [] });
    expect(written(decide(next))?.data).toEqual({ kubeconfig: 'own', more: 'y' });
  });

  it('is looked at again when the next token ends', () => {
    expect(decide(undefined, token({ expiration: '2026-01-02T03:05:05Z' })).requeueAfterMs).toBe(60_000);
  });
});
