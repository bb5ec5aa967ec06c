import { parseKeys } from './keys.js';

const files = Object.fromEntries(
  ['pki/ca.key', 'pki/ca.crt', 'pki/sa.key', 'pki/checkpoint.key', 'sealing.key'].map((name) => [name, 'eA==']),
);
const keys = { kind: 'DecklogKeys', version: 1, cluster: 'abc123', files };

describe('a file of keys', () => {
  it('is taken as it was written', () => {
    expect(parseKeys(JSON.stringify(keys))).toEqual(keys);
  });

  it.each<[string, object, RegExp]>([
    ['of something else', { ...keys, kind: 'DecklogBackup' }, /no file of keys/],
    ['of a newer version', { ...keys, version: 2 }, /version 2/],
    ['without the sealing key', { ...keys, files: { ...files, 'sealing.key': undefined } }, /sealing.key is not in it/],
    ['that would write elsewhere', { ...keys, files: { ...files, 'pki/../../x': 'eA==' } }, /which is no key/],
    ['with an absolute path', { ...keys, files: { ...files, '/etc/passwd': 'eA==' } }, /which is no key/],
    ['with a folder too deep', { ...keys, files: { ...files, 'pki/a/b/c': 'eA==' } }, /which is no key/],
    ['whose content is none', { ...keys, files: { ...files, 'pki/x.key': 7 } }, /which is no key/],
  ])('%s is refused', (_, value, message) => {
    expect(() => parseKeys(JSON.stringify(value))).toThrow(message);
  });
});
