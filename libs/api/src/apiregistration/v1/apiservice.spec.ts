import { decode } from '../../schema/index.js';
import { apiservices, type APIService } from './apiservice.js';

const { strategy, columns, model } = apiservices;
const service = (spec: object, name = 'v1.example.com'): APIService => {
  const manifest = {
    metadata: { name },
    spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, ...spec },
  };
  return strategy.defaults(decode<APIService>(model, manifest, { strict: true }).object);
};
const served = { service: { namespace: 'a', name: 'b' } };

describe('an APIService', () => {
  it.each<[string, APIService, readonly string[]]>([
    ['is complete with a group, a version and its place', service({}), []],
    ['is complete with a Service', service(served), []],
    [
      'has the name of its group and version',
      service({}, 'other'),
      ['metadata.name must be `spec.version+"."+spec.group`: "v1.example.com"'],
    ],
    [
      'has a group unless it is v1',
      service({ group: '', version: 'v2' }, 'v2.'),
      ['spec.group only v1 may have an empty group and it better be legacy kube'],
    ],
    ['may be that of the core group', service({ group: '' }, 'v1.'), []],
    [
      'has a place among others',
      service({ groupPriorityMinimum: 0, versionPriority: 1001 }),
      ['spec.groupPriorityMinimum must be positive and less than 20000', 'spec.versionPriority must be positive and less than 1000'],
    ],
    [
      'believes nobody where it is local',
      service({ caBundle: 'AQID', insecureSkipTLSVerify: true }),
      [
        'spec.caBundle local APIServices may not have a caBundle',
        'spec.insecureSkipTLSVerify local APIServices may not have insecureSkipTLSVerify',
      ],
    ],
    ['names its Service in full', service({ service: {} }), ['spec.service.namespace', 'spec.service.name']],
    [
      'does not both believe anybody and name an authority',
      service({ ...served, caBundle: 'AQID', insecureSkipTLSVerify: true }),
      ['spec.insecureSkipTLSVerify may not be true if caBundle is present'],
    ],
  ])('%s', (_, object, problems) => {
    const found = strategy
      .validate(object)
      .map(({ field, message }) => `${field} ${/: (?:.*?: )?((?:must|only|local|may).*)$/.exec(message)?.[1] ?? ''}`.trim());
    expect(found).toEqual(problems);
  });

  it('is reached at 443 where it does not say', () => {
    expect(service(served).spec?.service?.port).toBe(443);
  });

  it('is available at once where it is local', () => {
    const conditions = (object: APIService) => strategy.prepareForCreate(object, { now: 0 }).status?.conditions;
    expect(conditions(service({}))).toMatchObject([{ type: 'Available', status: 'True', reason: 'Local' }]);
    expect(conditions(service(served))).toBeUndefined();
  });

  it('shows who serves it and whether that one answers', () => {
    const cells = (object: APIService) => columns.slice(1, 3).map(({ cell }) => cell(object, 0));
    expect(cells(strategy.prepareForCreate(service({}), { now: 0 }))).toEqual(['Local', 'True']);
    expect(cells(service(served))).toEqual(['a/b', 'Unknown']);
    const failing = { ...service(served), status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] } };
    expect(cells(failing)).toEqual(['a/b', 'False (MissingEndpoints)']);
  });
});
