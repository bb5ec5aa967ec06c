import type { KubeObject } from '#libs/apimachinery';
import { decode, definitionByKind, type ResourceDefinition } from '../../index.js';

const APIVERSION = 'resource.k8s.io/v1';
const NOW = Date.parse('2026-01-02T03:04:05Z');

function definitionFor(kind: string): ResourceDefinition {
  const definition = definitionByKind(APIVERSION, kind);
  if (!definition) throw new Error(`no ${kind}`);
  return definition;
}
function made(kind: string, spec: object, more: object = {}): KubeObject {
  const { model, strategy } = definitionFor(kind);
  const metadata = { name: 'a', namespace: 'default' };
  const { object } = decode(model, { apiVersion: APIVERSION, kind, metadata, spec, ...more }, { strict: true });
  return strategy.prepareForCreate(strategy.defaults(object), { now: NOW });
}
const texts = (problems: readonly { readonly field: string; readonly message: string }[]): readonly string[] =>
  problems.map(({ field, message }) => `${field}: ${message}`);
const problemsOf = (kind: string, spec: object): readonly string[] => texts(definitionFor(kind).strategy.validate(made(kind, spec)));

const request = { name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } };
const claim = { devices: { requests: [request] } };
const slice = {
  driver: 'd.example.com',
  pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
  nodeName: 'n',
  devices: [{ name: 'd0' }],
};

describe('claims of devices', () => {
  it('ask for one device unless they say otherwise', () => {
    expect(made('ResourceClaim', claim)).toMatchObject({
      spec: { devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1 } }] } },
      status: {},
    });
    expect(made('ResourceClaimTemplate', { spec: claim })).toMatchObject({
      spec: { spec: { devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1 } }] } } },
    });
  });

  const requests = (...list: readonly object[]) => ({ devices: { requests: list } });
  it.each<[string, object, readonly string[]]>([
    [
      'a request of neither form',
      requests({ name: 'a' }),
      ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
    ['two requests of one name', requests(request, request), ['spec.devices.requests[1]: Duplicate value: "gpu"']],
    [
      'no class',
      requests({ name: 'a', exactly: { deviceClassName: '' } }),
      ['spec.devices.requests[0].exactly.deviceClassName: Required value'],
    ],
    [
      'a count of all',
      requests({ name: 'a', exactly: { deviceClassName: 'c', allocationMode: 'All', count: 2 } }),
      ["spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
    ],
    [
      'a constraint on a request that is not there',
      { devices: { requests: [request], constraints: [{ requests: ['cpu'], matchAttribute: 'd.example.com/numa' }] } },
      [
        `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
      ],
    ],
    [
      'parameters that are no object',
      { devices: { requests: [request], config: [{ opaque: { driver: 'd.example.com', parameters: [1] } }] } },
      ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
    ],
    [
      'too many requests',
      requests(...Array.from({ length: 33 }, (_, i) => ({ ...request, name: `r${i}` }))),
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
  ])('are refused with %s', (_, spec, problems) => {
    expect(problemsOf('ResourceClaim', spec)).toEqual(problems);
  });

  it('do not move once they are made', () => {
    const { strategy } = definitionFor('ResourceClaim');
    const other = made('ResourceClaim', { devices: { requests: [{ ...request, name: 'other' }] } });
    expect(texts(strategy.validateUpdate(other, made('ResourceClaim', claim)))).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/) as string,
    ]);
  });

  const allocation = { devices: { results: [{ request: 'gpu', driver: 'd.example.com', pool: 'p', device: 'd0' }] } };
  const withStatus = (status: object): KubeObject => ({ ...made('ResourceClaim', claim), status }) as unknown as KubeObject;
  it.each<[string, object, object, readonly string[]]>([
    ['an allocation and a consumer', { allocation, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] }, {}, []],
    [
      'a consumer without an allocation',
      { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] },
      {},
      ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'],
    ],
    [
      'a device that was not allocated',
      { allocation, devices: [{ driver: 'd.example.com', pool: 'p', device: 'd1' }] },
      {},
      ['status.devices[0]: Invalid value: "d.example.com/p/d1": must be an allocated device in the claim'],
    ],
    [
      'another allocation than before',
      { allocation: { devices: { results: [{ request: 'gpu', driver: 'd.example.com', pool: 'p', device: 'd1' }] } } },
      { allocation },
      [expect.stringMatching(/^status\.allocation: Invalid value: .*: field is immutable$/) as string],
    ],
  ])('have a status with %s judged', (_, next, old, problems) => {
    expect(texts(definitionFor('ResourceClaim').strategy.validateStatusUpdate(withStatus(next), withStatus(old)))).toEqual(problems);
  });
});

describe('slices of devices', () => {
  it('say when a taint came and count their generations', () => {
    const tainted = { ...slice, devices: [{ name: 'd0', taints: [{ key: 'a', effect: 'NoSchedule' }] }] };
    expect(made('ResourceSlice', tainted)).toMatchObject({
      metadata: { generation: 1 },
      spec: { devices: [{ taints: [{ timeAdded: '2026-01-02T03:04:05Z' }] }] },
    });
  });

  const { nodeName: _nowhere, ...nowhere } = slice;
  it.each<[string, object, readonly string[]]>([
    ['nothing wrong', slice, []],
    [
      'no place',
      nowhere,
      ['spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'],
    ],
    [
      'two places',
      { ...slice, allNodes: true },
      [
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
      ],
    ],
    [
      'an attribute of two types',
      { ...slice, devices: [{ name: 'd0', attributes: { a: { int: 1, bool: true } } }] },
      ['spec.devices[0].attributes[a]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified'],
    ],
    [
      'a version that is none',
      { ...slice, devices: [{ name: 'd0', attributes: { a: { version: '1' } } }] },
      ['spec.devices[0].attributes[a].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0'],
    ],
    [
      'a policy for a device that is not shared',
      { ...slice, devices: [{ name: 'd0', capacity: { m: { value: '4', requestPolicy: { default: '1', validValues: ['1'] } } } }] },
      ['spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true'],
    ],
    [
      'an empty pool',
      { ...slice, pool: { name: 'p', generation: 1, resourceSliceCount: 0 } },
      ['spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero'],
    ],
    [
      'node rules of a device that the slice does not allow',
      { ...slice, devices: [{ name: 'd0', allNodes: true }] },
      [
        'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
  ])('with %s are judged', (_, spec, problems) => {
    expect(problemsOf('ResourceSlice', spec)).toEqual(problems);
  });
});

describe('device classes', () => {
  const selecting = (expression: string) => problemsOf('DeviceClass', { selectors: [{ cel: { expression } }] });
  it.each([
    ["device.driver == 'd.example.com'", []],
    ["device.attributes['d.example.com'].model == 'a100'", []],
    ["device.capacity['d.example.com'].memory.isGreaterThan(quantity('10Gi'))", []],
    ['device.driver', [/must evaluate to bool or the unknown type, not string$/]],
    ['device.noSuchField', [/compilation failed: ERROR: <input>:1:7: undefined field 'noSuchField'/]],
    ['device.driver ==', [/compilation failed: ERROR: <input>:1:17: Syntax error/]],
  ])('select devices by expressions that can be read: %s', (expression, problems) => {
    const found = selecting(expression);
    expect(found).toHaveLength(problems.length);
    problems.forEach((problem, index) => expect(found[index]).toMatch(problem));
  });

  it('name extended resources by a domain that is not the system’s', () => {
    expect(problemsOf('DeviceClass', { extendedResourceName: 'example.com/gpu' })).toEqual([]);
    expect(problemsOf('DeviceClass', { extendedResourceName: 'gpu' })).toEqual([
      'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name',
    ]);
  });
});
