import type { ConfigMap } from '#libs/api';
import { extensionAuthenticationController } from './controller.js';

const { reconcile } = extensionAuthenticationController({ clientCa: 'clients', frontProxyCa: 'front' });
const made = reconcile({ namespaced: true, published: undefined }, 0).changes[0];
const published = made?.verb === 'create' ? (made.object as ConfigMap) : undefined;

describe('what extension API servers are told', () => {
  it('is whom to believe, and in which headers users come', () => {
    expect(published).toMatchObject({
      metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
      data: {
        'client-ca-file': 'clients',
        'requestheader-client-ca-file': 'front',
        'requestheader-allowed-names': '["front-proxy-client"]',
        'requestheader-username-headers': '["X-Remote-User"]',
        'requestheader-group-headers': '["X-Remote-Group"]',
        'requestheader-uid-headers': '["X-Remote-Uid"]',
        'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      },
    });
  });

  it('stays as it is, waits for its namespace, and is brought back', () => {
    expect(reconcile({ namespaced: true, published }, 0).changes).toEqual([]);
    expect(reconcile({ namespaced: false, published: undefined }, 0).changes).toEqual([]);
    const changed = { ...published, data: { ...published?.data, 'client-ca-file': 'others', more: 'kept' } } as ConfigMap;
    expect(reconcile({ namespaced: true, published: changed }, 0).changes).toMatchObject([
      { verb: 'update', object: { data: { 'client-ca-file': 'clients', more: 'kept' } } },
    ]);
  });
});
