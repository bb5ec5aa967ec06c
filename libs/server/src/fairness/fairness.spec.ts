import { SUGGESTED_LEVELS, SUGGESTED_SCHEMAS, type FlowSchema, type PriorityLevelConfiguration } from '#libs/api';
import { requestInfoOf } from '../request-info.js';
import { classify, flowTableOf, type RequestDigest } from './classify.js';
import { Dispatcher, handOf, type Ticket } from './dispatcher.js';
import { limitsOf } from './limits.js';

const digest = (name: string, groups: readonly string[], method: string, path: string): RequestDigest => ({
  user: { name, groups: [...groups, name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated'] },
  info: requestInfoOf(method, path, new URLSearchParams()),
});

describe('the schema of a request', () => {
  const table = flowTableOf(SUGGESTED_SCHEMAS, SUGGESTED_LEVELS);
  const NODES = ['system:nodes'];
  const ACCOUNTS = ['system:serviceaccounts'];
  it.each<[string, readonly string[], string, string, string]>([
    ['admin', ['system:masters'], 'GET', '/api/v1/pods', 'exempt in exempt: exempt'],
    ['jane', [], 'GET', '/api/v1/namespaces/a/pods', 'global-default in global-default: global-default/jane'],
    ['jane', [], 'GET', '/livez', 'probes in exempt: probes'],
    ['jane', [], 'GET', '/livez/ping', 'probes in exempt: probes'],
    ['jane', [], 'GET', '/metrics', 'global-default in global-default: global-default/jane'],
    ['system:anonymous', [], 'GET', '/version', 'global-default in global-default: global-default/system:anonymous'],
    ['system:node:a', NODES, 'PATCH', '/api/v1/nodes/a/status', 'system-node-high in node-high: system-node-high/system:node:a'],
    ['system:node:a', NODES, 'GET', '/api/v1/namespaces/a/secrets/b', 'system-nodes in system: system-nodes/system:node:a'],
    [
      'system:serviceaccount:kube-system:x',
      ACCOUNTS,
      'PUT',
      '/apis/coordination.k8s.io/v1/namespaces/a/leases/b',
      'system-leader-election in leader-election: system-leader-election/system:serviceaccount:kube-system:x',
    ],
    [
      'system:serviceaccount:kube-system:x',
      ACCOUNTS,
      'GET',
      '/api/v1/namespaces/a/pods',
      'kube-system-service-accounts in workload-high: kube-system-service-accounts/a',
    ],
    [
      'system:serviceaccount:a:b',
      ACCOUNTS,
      'GET',
      '/api/v1/pods',
      'service-accounts in workload-low: service-accounts/system:serviceaccount:a:b',
    ],
  ])('of %s %j: %s %s', (name, groups, method, path, wanted) => {
    const { schema, level, flow } = classify(table, digest(name, groups, method, path));
    expect(`${schema.metadata.name ?? ''} in ${level.metadata.name ?? ''}: ${flow}`).toBe(wanted);
  });

  it('is the catch-all where nobody has made any', () => {
    const { schema } = classify(flowTableOf([], []), digest('jane', [], 'GET', '/api/v1/pods'));
    expect(schema.metadata.name).toBe('catch-all');
  });

  it('is none whose level is missing', () => {
    const dangling: FlowSchema = {
      ...(SUGGESTED_SCHEMAS[0] as FlowSchema),
      spec: { priorityLevelConfiguration: { name: 'gone' }, matchingPrecedence: 2 },
    };
    expect(flowTableOf([dangling], []).schemas.map(({ schema }) => schema.metadata.name)).toEqual(['exempt', 'catch-all']);
  });
});

describe('the limits of levels', () => {
  it('divide the server by shares, rounded up', () => {
    const limits = limitsOf(flowTableOf([], SUGGESTED_LEVELS).levels, 600);
    expect([...limits.values()].map(({ name, nominal, minimum }) => `${name} ${nominal} ${minimum}`)).toEqual([
      'system 74 50',
      'node-high 98 73',
      'leader-election 25 25',
      'workload-high 98 49',
      'workload-low 245 24',
      'global-default 49 24',
      'catch-all 13 13',
      'exempt 0 0',
    ]);
  });
});

const level = (name: string, shares: number, lendablePercent: number, response: object): PriorityLevelConfiguration =>
  ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'PriorityLevelConfiguration',
    metadata: { name },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse: response } },
  }) as PriorityLevelConfiguration;
const queue = (queues: number, handSize: number, queueLengthLimit: number) => ({
  type: 'Queue',
  queuing: { queues, handSize, queueLengthLimit },
});

describe('the dispatcher', () => {
  const made = (levels: readonly PriorityLevelConfiguration[], serverLimit: number): Dispatcher<string> => {
    const dispatcher = new Dispatcher<string>(serverLimit);
    dispatcher.configure(limitsOf(levels, serverLimit));
    return dispatcher;
  };
  const ticket = (name: string, owner: string, flow = owner): Ticket<string> => ({ level: name, flow, owner });
  const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  it('refuses what is too much for a level that does not queue', () => {
    const dispatcher = made([level('a', 1, 0, { type: 'Reject' })], 2);
    expect(times(3, () => dispatcher.arrive(ticket('a', 'u')))).toEqual(['runs', 'runs', 'refused']);
  });

  it('keeps queues to their length', () => {
    const dispatcher = made([level('a', 1, 0, queue(1, 1, 2))], 1);
    expect(times(4, () => dispatcher.arrive(ticket('a', 'u')))).toEqual(['runs', 'waits', 'waits', 'refused']);
  });

  it('lets nobody wait for one who asks for much', () => {
    const dispatcher = made([level('a', 1, 0, queue(64, 6, 50))], 4);
    times(400, (i) => dispatcher.arrive(ticket('a', `greedy ${i}`, 'greedy')));
    expect(dispatcher.arrive(ticket('a', 'modest'))).toBe('waits');
    // With six queues of the greedy one and one of the modest one, his turn comes within seven.
    const served = times(7, () => dispatcher.leave('a').map(({ owner }) => owner)).flat();
    expect(served).toContain('modest');
  });

  it('refuses the greedy one while others are let in', () => {
    const dispatcher = made([level('a', 1, 0, queue(64, 6, 10))], 4);
    const answers = times(400, () => dispatcher.arrive(ticket('a', 'greedy')));
    expect(answers.filter((answer) => answer === 'waits')).toHaveLength(60);
    expect(dispatcher.arrive(ticket('a', 'modest'))).toBe('waits');
  });

  it('lends what a level does not use, and keeps what it never lends', () => {
    const dispatcher = made([level('a', 1, 50, queue(8, 2, 50)), level('b', 1, 50, queue(8, 2, 50))], 8);
    times(20, () => dispatcher.arrive(ticket('a', 'u')));
    expect(dispatcher.count('a').running).toBe(6);
    expect(times(3, () => dispatcher.arrive(ticket('b', 'v')))).toEqual(['runs', 'runs', 'waits']);
    // A place that comes free goes to the level that has less than its share.
    expect(dispatcher.leave('a').map(({ owner }) => owner)).toEqual(['v']);
  });

  it('has no limit for what is exempt', () => {
    const exempt = {
      ...level('exempt', 0, 0, {}),
      spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0 } },
    } as PriorityLevelConfiguration;
    const dispatcher = made([exempt, level('a', 1, 0, { type: 'Reject' })], 1);
    expect(new Set(times(100, () => dispatcher.arrive(ticket('exempt', 'admin'))))).toEqual(new Set(['runs']));
    expect(dispatcher.arrive(ticket('a', 'u'))).toBe('runs');
  });

  it('forgets whoever goes away, and refuses those whose level does', () => {
    const dispatcher = made([level('a', 1, 0, queue(8, 2, 5))], 1);
    const [, second, third] = times(3, (i) => ticket('a', `u${i}`));
    dispatcher.arrive(ticket('a', 'u0'));
    for (const each of [second, third]) dispatcher.arrive(each as Ticket<string>);
    dispatcher.abandon(second as Ticket<string>);
    expect(dispatcher.count('a')).toEqual({ running: 1, waiting: 1 });
    expect(dispatcher.configure(new Map()).map(({ owner }) => owner)).toEqual(['u2']);
    expect(dispatcher.leave('a')).toEqual([]);
    expect(dispatcher.arrive(ticket('a', 'u3'))).toBe('refused');
  });

  it('deals each flow as many different queues as it may use', () => {
    for (const flow of times(200, (i) => `flow ${i}`)) {
      const hand = handOf(flow, 64, 6);
      expect(new Set(hand).size).toBe(6);
      expect(hand.every((number) => number >= 0 && number < 64)).toBe(true);
    }
  });
});
