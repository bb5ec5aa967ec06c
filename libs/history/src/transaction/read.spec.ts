import { StatusError } from '#libs/apimachinery';
import { MOST_OPERATIONS, readTransaction } from './read.js';

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' } };
const about = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'a' };

const refusalOf = (value: unknown): StatusError => {
  try {
    readTransaction(value, '');
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
};

describe('a transaction as it was sent', () => {
  it.each([
    ['create', { verb: 'create', object: configMap }, { ...about, object: configMap }],
    [
      'create of a generated name',
      { verb: 'create', object: { ...configMap, metadata: { generateName: 'a-' } } },
      { apiVersion: 'v1', kind: 'ConfigMap' },
    ],
    ['update', { verb: 'update', object: configMap, preconditions: { uid: 'u' } }, { ...about, preconditions: { uid: 'u' } }],
    ['apply', { verb: 'apply', object: configMap, fieldManager: 'm', force: true }, { ...about, fieldManager: 'm', force: true }],
    [
      'patch, by resource',
      {
        verb: 'patch',
        apiVersion: 'v1',
        resource: 'configmaps',
        namespace: 'n',
        name: 'a',
        patchType: 'application/merge-patch+json',
        patch: {},
      },
      { apiVersion: 'v1', resource: 'configmaps', patchType: 'application/merge-patch+json', patch: {} },
    ],
    [
      'delete',
      { verb: 'delete', ...about, propagationPolicy: 'Foreground', gracePeriodSeconds: 0 },
      { propagationPolicy: 'Foreground', gracePeriodSeconds: 0 },
    ],
  ])('%s says what it is about', (_title, operation, wanted) => {
    expect(readTransaction({ operations: [operation] }, '').operations).toMatchObject([{ verb: operation.verb, ...wanted }]);
  });

  it('names a field manager once for all', () => {
    const operations = [
      { verb: 'apply', object: configMap },
      { verb: 'apply', object: configMap, fieldManager: 'own' },
    ];
    expect(readTransaction({ operations }, 'query').operations.map(({ fieldManager }) => fieldManager)).toEqual(['query', 'own']);
  });

  it.each([
    ['no verb', { object: configMap }, 'operations[0].verb: Required value'],
    [
      'another verb',
      { verb: 'get', ...about },
      'operations[0].verb: Unsupported value: "get": supported values: "apply", "create", "delete", "patch", "update"',
    ],
    ['no object', { verb: 'create', ...about }, 'operations[0].object: Required value'],
    ['no version', { verb: 'delete', kind: 'ConfigMap', name: 'a' }, 'operations[0].apiVersion: Required value'],
    ['no kind', { verb: 'delete', apiVersion: 'v1', name: 'a' }, 'operations[0].kind: Required value: or resource'],
    ['no name', { verb: 'delete', apiVersion: 'v1', kind: 'ConfigMap' }, 'operations[0].name: Required value'],
    ['an apply of nobody', { verb: 'apply', object: configMap }, 'operations[0].fieldManager: Required value: is required for apply patch'],
    ['a forced create', { verb: 'create', object: configMap, force: true }, 'operations[0].force: Forbidden: may not be set for create'],
    ['a field that is none', { verb: 'delete', ...about, names: 'b' }, 'operations[0].names: Forbidden: no operation has it'],
    [
      'a name that is no text',
      { verb: 'delete', ...about, name: 7 },
      '[operations[0].name: Invalid value: 7: must be a string, operations[0].name: Required value]',
    ],
    ['a patch of no sort', { verb: 'patch', ...about, patch: {} }, 'operations[0].patchType: Required value'],
    [
      'a JSON patch that is no list',
      { verb: 'patch', ...about, patch: {}, patchType: 'application/json-patch+json' },
      'operations[0].patch: Invalid value: {}: must be a list of operations for a JSON patch, and an object for any other',
    ],
    [
      'preconditions that are none',
      { verb: 'delete', ...about, preconditions: { generation: 3 } },
      'operations[0].preconditions: Invalid value: {"generation":3}: must have a uid or a resourceVersion, strings, and nothing else',
    ],
    [
      'an unknown policy',
      { verb: 'delete', ...about, propagationPolicy: 'Never' },
      'operations[0].propagationPolicy: Unsupported value: "Never": supported values: "Background", "Foreground", "Orphan"',
    ],
    ['no object at all', 'delete everything', 'operations[0]: Invalid value: "delete everything": must be an object'],
  ])('is refused with %s', (_what, operation, problem) => {
    expect(refusalOf({ operations: [operation] }).message).toBe(`Transaction.history.decklog.dev "" is invalid: ${problem}`);
  });

  it('is refused with every problem of every operation', () => {
    const { details } = refusalOf({
      operations: [{ verb: 'get' }, { verb: 'delete', ...about }, { verb: 'delete', apiVersion: 'v1', kind: 'X' }],
    });
    expect(details?.causes?.map(({ field }) => field)).toEqual(['operations[0].verb', 'operations[2].name']);
  });

  it.each([
    ['without operations', {}, 'Invalid'],
    [
      'of too many',
      { operations: Array.from({ length: MOST_OPERATIONS + 1 }, () => ({ verb: 'delete', ...about })) },
      'RequestEntityTooLarge',
    ],
    ['of another version', { apiVersion: 'v1', operations: [] }, 'BadRequest'],
    ['of another kind', { kind: 'Pod', operations: [] }, 'BadRequest'],
    ['that is a list', [], 'BadRequest'],
  ])('%s is refused', (_what, value, reason) => expect(refusalOf(value).reason).toBe(reason));
});
