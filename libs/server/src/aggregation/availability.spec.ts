import type { EndpointSlice, Service } from '#libs/api';
import { hindrance, servedBy } from './availability.js';

const by = { namespace: 'ns', name: 'api', port: 443 };
const service = (port = 443, type = 'ClusterIP'): Service =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api', namespace: 'ns' },
    spec: { type, ports: [{ name: 'https', port }] },
  }) as Service;
const slice = (ready: boolean, port = 'https'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 's', namespace: 'ns' },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
  ports: [{ name: port, port: 8443 }],
});

describe('what keeps an API from being served', () => {
  it.each<[string, Service | undefined, readonly EndpointSlice[], string | undefined]>([
    ['nothing', service(), [slice(true)], undefined],
    ['no Service', undefined, [], 'ServiceNotFound: service/api in "ns" is not present'],
    ['another port', service(80), [slice(true)], 'ServicePortError: service/api in "ns" is not listening on port 443'],
    ['no endpoints', service(), [], 'EndpointsNotFound: cannot find endpointslices for service/api in "ns"'],
    [
      'none that is ready',
      service(),
      [slice(false)],
      'MissingEndpoints: endpointslices for service/api in "ns" have no addresses with port name "https"',
    ],
    [
      'none of the port',
      service(),
      [slice(true, 'x')],
      'MissingEndpoints: endpointslices for service/api in "ns" have no addresses with port name "https"',
    ],
    ['nothing that is known of a name elsewhere', service(80, 'ExternalName'), [], undefined],
  ])('is %s', (_, found, slices, wanted) => {
    const condition = hindrance(by, found, slices);
    expect(condition && `${condition.reason}: ${condition.message}`).toBe(wanted);
  });

  it('is nobody where an API is local', () => {
    expect(servedBy({ groupPriorityMinimum: 1, versionPriority: 1 })).toBeUndefined();
    expect(servedBy({ service: { namespace: 'a', name: 'b' }, groupPriorityMinimum: 1, versionPriority: 1 })?.port).toBe(443);
  });
});
