import { decodeContinue, encodeContinue } from './continue-token.js';

const raw = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a continue token', () => {
  it.each([
    ['', true, { namespace: 'a', name: 'x' }],
    ['a', true, { namespace: 'a', name: 'x' }],
    ['', false, { namespace: '', name: 'system:x' }],
  ])('read back in namespace "%s" says where the page ended', (namespace, namespaced, after) => {
    const token = { sequence: 7, after };
    expect(decodeContinue(encodeContinue(token, namespace), namespace, namespaced)).toEqual(token);
  });

  it('is the one that upstream writes', () => {
    const token = encodeContinue({ sequence: 7, after: { namespace: 'a', name: 'x' } }, '');
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toEqual({ v: 'meta.k8s.io/v1', rv: 7, start: 'a/x\u0000' });
  });

  it.each([
    ['%%%', 'continue key is not valid: illegal base64 data'],
    [Buffer.from('nonsense').toString('base64url'), 'continue key is not valid: invalid character in continue token'],
    [raw({ v: 'v2', rv: 1, start: 'a' }), 'continue key is not valid: server does not recognize this encoded version v2'],
    [
      raw({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' }),
      'continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    [raw({ v: 'meta.k8s.io/v1', rv: 1, start: '' }), 'continue key is not valid: encoded start key empty (version meta.k8s.io/v1)'],
    [raw({ v: 'meta.k8s.io/v1', rv: 1, start: '../x' }), 'continue key is not valid: ../x'],
  ])('%s is refused', (token, message) => {
    expect(() => decodeContinue(token, '', true)).toThrow(message);
  });
});
