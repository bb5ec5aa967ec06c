import { auditEventList, auditEventOf } from './audit-event.js';
import { HISTORY_API_VERSION, type Activity } from './wire.js';

const change: Activity = {
  apiVersion: HISTORY_API_VERSION,
  kind: 'Activity',
  metadata: { name: 'state-12' },
  category: 'change',
  time: '2026-01-01T00:00:00.123Z',
  actor: { user: 'alice', uid: 'u1', groups: ['dev'] },
  agent: 'kubectl/v1.36.0',
  sourceAddress: '10.0.0.7',
  requestId: 'r1',
  verb: 'patch',
  object: { apiVersion: 'apps/v1', kind: 'Deployment', group: 'apps', resource: 'deployments', namespace: 'prod', name: 'web', uid: 'x' },
  event: 'state:12',
  type: 'Updated',
  root: 'state:12',
  fields: ['spec.replicas', 'metadata.generation'],
};

const { event: _, type: __, root: ___, fields: ____, ...request } = change;
const SECRET = { group: '', resource: 'secrets', namespace: 'prod', name: 'db' };
const secret: Activity = { ...change, object: SECRET };
const denied: Activity = {
  ...request,
  category: 'denied',
  code: 403,
  reason: 'Forbidden',
  verb: 'get',
  latencyMs: 2,
  object: SECRET,
};

describe('a line of the audit trail as an event of audit.k8s.io/v1', () => {
  it("has upstream's fields, all of them where there is something to say", () => {
    expect(auditEventOf(change)).toEqual({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: 'r1',
      stage: 'ResponseComplete',
      requestURI: '/apis/apps/v1/namespaces/prod/deployments/web',
      verb: 'patch',
      user: { username: 'alice', uid: 'u1', groups: ['dev'] },
      sourceIPs: ['10.0.0.7'],
      userAgent: 'kubectl/v1.36.0',
      objectRef: {
        resource: 'deployments',
        namespace: 'prod',
        name: 'web',
        uid: 'x',
        apiGroup: 'apps',
        apiVersion: 'v1',
        resourceVersion: '12',
      },
      responseStatus: { metadata: {}, code: 200 },
      requestReceivedTimestamp: '2026-01-01T00:00:00.123000Z',
      stageTimestamp: '2026-01-01T00:00:00.123000Z',
      annotations: {
        'authorization.k8s.io/decision': 'allow',
        'history.decklog.dev/category': 'change',
        'history.decklog.dev/event': 'state:12',
        'history.decklog.dev/root': 'state:12',
        'history.decklog.dev/fields': 'spec.replicas,metadata.generation',
      },
    });
  });

  it.each<[string, Activity, object]>([
    [
      'names who asked, and apart from them whom they acted as',
      { ...change, actor: { user: 'bob', groups: ['ops'], impersonator: 'alice' } },
      { user: { username: 'alice' }, impersonatedUser: { username: 'bob', groups: ['ops'] } },
    ],
    [
      'says how a refused request was answered, and that it was not allowed',
      denied,
      {
        responseStatus: { metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403 },
        stageTimestamp: '2026-01-01T00:00:00.125000Z',
        annotations: { 'authorization.k8s.io/decision': 'forbid', 'history.decklog.dev/category': 'denied' },
      },
    ],
    [
      'has a create posted to the list',
      { ...change, verb: 'create', type: 'Created' },
      { requestURI: '/apis/apps/v1/namespaces/prod/deployments', responseStatus: { metadata: {}, code: 201 } },
    ],
    [
      'names a subresource',
      { ...change, subresource: 'scale' },
      { requestURI: '/apis/apps/v1/namespaces/prod/deployments/web/scale', objectRef: { subresource: 'scale', name: 'web' } },
    ],
    ['knows the version of a built-in kind', secret, { requestURI: '/api/v1/namespaces/prod/secrets/db', objectRef: { apiVersion: 'v1' } }],
    [
      'has not ended where the request has only just begun',
      { ...request, category: 'connect', verb: 'create', subresource: 'exec' },
      { stage: 'ResponseStarted' },
    ],
    [
      'keeps the path of a request for no resource',
      { ...request, category: 'denied', object: undefined, path: '/metrics' } as unknown as Activity,
      { requestURI: '/metrics' },
    ],
    [
      'is told from others by its place where no request made it',
      { ...change, requestId: undefined } as unknown as Activity,
      { auditID: 'state-12' },
    ],
  ])('%s', (_rule, activity, wanted) => {
    expect(auditEventOf(activity)).toMatchObject(wanted);
  });

  it('holds a body where one is given, of a Secret never', () => {
    expect(auditEventOf(change, { kind: 'Deployment' })).toMatchObject({
      level: 'RequestResponse',
      responseObject: { kind: 'Deployment' },
    });
    const kept = auditEventOf(secret, { data: { password: 'b25l' } });
    expect(kept.level).toBe('Metadata');
    expect(JSON.stringify(kept)).not.toContain('b25l');
  });

  it("comes in lists as a webhook of upstream's takes them", () => {
    const one = auditEventOf(change);
    expect(auditEventList([one])).toEqual({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [one] });
  });
});
