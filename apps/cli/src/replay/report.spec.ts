import { encodeObject, type Recorded } from '#libs/log';
import type { Recomputed } from '#libs/runtime';
import { count, differenceOf, differenceText, emptyTally, tallyText } from './report.js';

const TIME = Date.parse('2026-01-01T00:00:00Z');
const decision = {
  controller: 'deployment-controller',
  build: '1',
  key: 'default/web',
  seen: { state: 11, lease: 2, event: 0 },
  decidedAt: TIME,
  index: 0,
};

const recorded = (resource: string, object: object): Recorded => ({
  stream: 'state',
  sequence: 12,
  subject: `decklog.c.state.${resource}.default.web`,
  time: TIME,
  meta: {
    type: 'Updated',
    verb: 'update',
    actor: { user: 'system:serviceaccount:kube-system:deployment-controller' },
    id: 'x',
    previous: 10,
    schema: 1,
    encoding: 'json',
    decision,
  },
  body: encodeObject({ apiVersion: 'v1', kind: 'X', metadata: { name: 'web', namespace: 'default' }, ...object }),
});

const object = (fields: object) => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'web', namespace: 'default' }, ...fields });
const deployments = { group: 'apps', version: 'v1', resource: 'deployments' };
const secrets = { group: '', version: 'v1', resource: 'secrets' };
const wrong = (over: Partial<Recomputed>): Recomputed => ({
  event: recorded('apps.deployments', { spec: { replicas: 3 } }),
  decision,
  change: undefined,
  same: false,
  ...over,
});

describe('a decision that is not the same', () => {
  const head = '"default/web", change 0, decided at 2026-01-01T00:00:00.000Z having seen state:11,lease:2,event:0';

  it.each<[string, Recomputed, readonly string[]]>([
    [
      'says what is written now, and where it differs',
      wrong({ change: { verb: 'update', resource: deployments, object: object({ spec: { replicas: 2 } }) } }),
      ['then: update deployments.apps default/web', 'now:  update deployments.apps default/web', 'spec.replicas: then 3, now 2'],
    ],
    ['says that nothing is written now', wrong({}), ['then: update deployments.apps default/web', 'now:  nothing']],
    [
      'says that another object is written now',
      wrong({ change: { verb: 'delete', resource: deployments, namespace: 'default', name: 'api' } }),
      [
        'then: update deployments.apps default/web',
        'now:  delete deployments.apps default/api',
        'object: then "deployments.apps default/web", now "deployments.apps default/api"',
      ],
    ],
    [
      'shows no values of Secrets',
      wrong({
        event: recorded('core.secrets', { data: { password: 'b25l' } }),
        change: { verb: 'update', resource: secrets, object: object({ data: { password: 'dHdv' } }) },
      }),
      ['then: update secrets default/web', 'now:  update secrets default/web', 'data.password: then "(a Secret)", now "(a Secret)"'],
    ],
    [
      'says why it can not be made',
      wrong({ problem: 'it fails: Error: no' }),
      ['then: update deployments.apps default/web', 'now:  nothing', 'but:  it fails: Error: no'],
    ],
  ])('%s', (_rule, recomputed, lines) => {
    const [first, ...rest] = differenceText(differenceOf(recomputed)).split('\n');
    expect(first).toBe(`state:12  deployment-controller on ${head}`);
    expect(rest.map((line) => line.trim())).toEqual(lines);
  });
});

it('what could not be checked is counted by controller and reason, most first', () => {
  const tally = emptyTally();
  for (let i = 0; i < 1_200; i++) count(tally, wrong({ same: true }));
  count(tally, wrong({}));
  for (const uncheckable of ['a', 'b', 'b']) count(tally, wrong({ uncheckable }));
  expect(tallyText(tally, 5_000, 2)).toBe(
    [
      '5,000 events, 1,204 of them decided by 1 controllers:',
      '  1,200 the same, 1 different, 3 not checkable',
      '    2  deployment-controller: b',
      '    1  deployment-controller: a',
      '  in 2.0 s: 2,500 events/s',
    ].join('\n'),
  );
});
