import { IPADDRESSES, SERVICECIDRS, type ServiceCIDR } from '#libs/api';
import type { KubeObject, Lister } from '#libs/apimachinery';
import { defaultServiceCidr, SERVICE_CIDR_FINALIZER, serviceCidrController } from './controller.js';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const range = (name: string, cidr: string, metadata: object = {}, conditions: readonly object[] = []): ServiceCIDR =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name, finalizers: [SERVICE_CIDR_FINALIZER], ...metadata },
    spec: { cidrs: [cidr] },
    status: { conditions },
  }) as ServiceCIDR;
const address = (name: string): KubeObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name } });
const ready = { type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '' };
const going = { type: 'Ready', status: 'False', reason: 'Terminating', message: '', lastTransitionTime: '' };
const deleted = (ms: number) => ({ deletionTimestamp: new Date(NOW - ms).toISOString() });

function decide(ranges: readonly ServiceCIDR[], addresses: readonly string[] = []): string {
  const lister: Lister = {
    get: (_resource, _namespace, name) => ranges.find(({ metadata }) => metadata.name === name),
    list: ({ resource }) => (resource === SERVICECIDRS.resource ? ranges : resource === IPADDRESSES.resource ? addresses.map(address) : []),
    ownedBy: () => [],
  };
  const snapshot = serviceCidrController.snapshot('a', lister);
  if (!snapshot) throw new Error('no snapshot');
  const { changes, requeueAfterMs } = serviceCidrController.reconcile(snapshot, NOW);
  const [change] = changes;
  if (change?.verb !== 'update') return requeueAfterMs === undefined ? 'nothing' : `waits ${requeueAfterMs}`;
  const { metadata, status } = change.object as ServiceCIDR;
  if (change.subresource === undefined) return `finalizers ${(metadata.finalizers ?? []).length}`;
  const condition = status?.conditions?.at(-1);
  return `${condition?.status ?? ''} ${condition?.reason ?? ''} ${condition?.message ?? ''}`.trim();
}

describe('a range of service addresses', () => {
  it.each<[string, readonly ServiceCIDR[], readonly string[], string]>([
    ['is held from the start', [range('a', '10.0.0.0/24', { finalizers: [] })], [], 'finalizers 1'],
    ['is said to be ready', [range('a', '10.0.0.0/24')], [], 'True  Kubernetes Service CIDR is ready'],
    ['is left when it is', [range('a', '10.0.0.0/24', {}, [ready])], [], 'nothing'],
    [
      'says that it can’t go while an address in it is in use',
      [range('a', '10.0.0.0/24', deleted(0), [ready])],
      ['10.0.0.7'],
      'False Terminating There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    ],
    ['stays while an address in it is in use', [range('a', '10.0.0.0/24', deleted(60_000), [going])], ['10.0.0.7'], 'waits 30000'],
    [
      'goes when another holds its addresses',
      [range('a', '10.0.0.0/24', deleted(60_000), [going]), range('b', '10.0.0.0/16')],
      ['10.0.0.7'],
      'finalizers 0',
    ],
    ['stays a moment longer than its use', [range('a', '10.0.0.0/24', deleted(4_000), [going])], [], 'waits 6000'],
    ['then goes', [range('a', '10.0.0.0/24', deleted(10_000), [going])], ['10.1.0.7'], 'finalizers 0'],
  ])('%s', (_, ranges, addresses, said) => {
    expect(decide(ranges, addresses)).toBe(said);
  });
});

describe('the range of the cluster', () => {
  const { reconcile } = defaultServiceCidr('10.96.0.0/16');
  it('is made when it is missing, and said to be ready', () => {
    expect(reconcile({ found: undefined }, NOW).changes).toMatchObject([{ verb: 'create', object: { spec: { cidrs: ['10.96.0.0/16'] } } }]);
    const { changes } = reconcile({ found: range('kubernetes', '10.96.0.0/16') }, NOW);
    expect(changes).toMatchObject([
      {
        subresource: 'status',
        object: { status: { conditions: [{ status: 'True', message: 'Kubernetes default Service CIDR is ready' }] } },
      },
    ]);
    expect(reconcile({ found: range('kubernetes', '10.97.0.0/16') }, NOW).changes).toEqual([]);
  });
});
