import { StatusError } from '#libs/apimachinery';
import { aService } from '#libs/testing';
import { withFamilies } from './families.js';

describe('families of a Service on a cluster with IPv4 alone', () => {
  it.each([
    ['plain', {}, ['IPv4'], 'SingleStack'],
    ['that prefers two', { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4'], 'PreferDualStack'],
    ['headless with a selector', { clusterIP: 'None', clusterIPs: ['None'] }, ['IPv4'], 'SingleStack'],
    ['headless without one', { clusterIP: 'None', clusterIPs: ['None'], selector: {} }, ['IPv4', 'IPv6'], 'RequireDualStack'],
  ])('%s', (_what, spec, ipFamilies, ipFamilyPolicy) =>
    expect(withFamilies(aService('a', spec), undefined)).toMatchObject({ spec: { ipFamilies, ipFamilyPolicy } }),
  );

  it('are left alone of an external name', () => {
    const service = aService('a', { type: 'ExternalName' });
    expect(withFamilies(service, undefined)).toBe(service);
  });

  it.each([
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      { clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] },
      'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
    ],
  ])('are refused where the cluster has them not (%#)', (spec, message) => {
    expect(() => withFamilies(aService('a', spec), undefined)).toThrow(new StatusError('Invalid', `Service "a" is invalid: ${message}`));
  });
});
