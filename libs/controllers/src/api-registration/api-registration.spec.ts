import type { APIService, GroupVersion } from '#libs/api';
import { apiRegistrationController } from './controller.js';

const LABEL = 'kube-aggregator.kubernetes.io/automanaged';
const custom: GroupVersion = { group: 'example.com', version: 'v1' };
const service = (labels: Record<string, string>, spec: Partial<APIService['spec']> = {}): APIService => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1.example.com', uid: 'u', labels },
  spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100, ...spec },
});
const reconcile = (current: APIService | undefined, wanted: GroupVersion | undefined, managed: 'true' | 'onstart' = 'true') =>
  apiRegistrationController.reconcile({ current, wanted, managed }, 0).changes;

describe('the registration of what this server answers for', () => {
  it('creates what is missing, in its place among the groups', () => {
    expect(reconcile(undefined, { group: 'apps', version: 'v1' }, 'onstart')).toMatchObject([
      {
        verb: 'create',
        object: {
          metadata: { name: 'v1.apps', labels: { [LABEL]: 'onstart' } },
          spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 },
        },
      },
    ]);
  });

  it.each<[string, APIService | undefined, GroupVersion | undefined, readonly string[]]>([
    ['leaves what is as it should be', service({ [LABEL]: 'true' }), custom, []],
    ['brings back what somebody changed', service({ [LABEL]: 'true' }, { versionPriority: 7 }), custom, ['update']],
    ["leaves somebody else's alone", service({}, { versionPriority: 7 }), custom, []],
    ['removes what its definition no longer serves', service({ [LABEL]: 'true' }), undefined, ['delete']],
    ['does not remove what it did not make', service({}), undefined, []],
    ['does nothing for what neither is nor should be', undefined, undefined, []],
  ])('%s', (_, current, wanted, verbs) => {
    expect(reconcile(current, wanted).map(({ verb }) => verb)).toEqual(verbs);
  });

  it('knows the core group, which has no name, as it is stored', () => {
    const core = reconcile(undefined, { group: '', version: 'v1' }, 'onstart')[0];
    const object = core?.verb === 'create' ? (core.object as APIService) : undefined;
    const { group: _, ...spec } = object?.spec ?? { groupPriorityMinimum: 0, versionPriority: 0 };
    const stored = { ...service({ [LABEL]: 'onstart' }), spec };
    expect(reconcile(stored, { group: '', version: 'v1' }, 'onstart')).toEqual([]);
    expect(apiRegistrationController.initialKeys).toContain('v1.');
  });
});
