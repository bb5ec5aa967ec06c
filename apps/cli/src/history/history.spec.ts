import type { Revision } from '#libs/history';

import { fieldSelector } from './asking.js';
import { historyText } from './history.js';
import { PLAIN } from './text.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');

const revision = (sequence: number, time: string, more: Partial<Revision> = {}): Revision => ({
  apiVersion: 'history.decklog.dev/v1',
  kind: 'Revision',
  metadata: { name: `state-${sequence}`, namespace: 'default' },
  object: { group: 'apps', resource: 'deployments', namespace: 'default', name: 'web', uid: 'u2' },
  stream: 'state',
  sequence,
  time: `2026-01-01T${time}.000Z`,
  type: 'Updated',
  verb: 'patch',
  actor: { user: 'alice' },
  root: `state:${sequence}`,
  ...more,
});

const LIFE: readonly Revision[] = [
  revision(30, '00:59:00', {
    subresource: 'scale',
    agent: 'kubectl/v1.36.0 (linux)',
    changes: [{ op: 'replace', path: '/spec/replicas', field: 'spec.replicas', old: 1, value: 3 }],
  }),
  revision(22, '00:50:00', { type: 'Created', verb: 'create', fieldManager: 'kubectl-create' }),
  revision(20, '00:30:00', {
    type: 'Deleted',
    verb: 'delete',
    actor: { user: 'e\u001b[2Jve' },
    object: { group: 'apps', resource: 'deployments', name: 'web', uid: 'u1' },
  }),
];

describe('a history', () => {
  const text = (format?: string, width?: number) => historyText(LIFE, format, NOW, { paint: PLAIN, width });

  it('is a line a revision, with lives of the same name apart', () => {
    expect(text()).toBe(
      [
        'SEQUENCE   AGE   WHO       HOW                       CHANGES',
        '30         60s   alice     patch scale (kubectl)     spec.replicas: 1 -> 3',
        '22         10m   alice     create (kubectl create)   +created',
        '--- not there for 20m; before, another object of this name ---',
        '20         30m   e?[2Jve   delete                    -deleted',
        '',
      ].join('\n'),
    );
  });

  it('is as narrow as the screen', () => {
    expect(
      Math.max(
        ...text(undefined, 60)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(62);
  });

  it('says more when it may be wide', () => {
    expect(text('wide').split('\n')[1]).toBe(
      '30         2026-01-01T00:59:00.000Z   alice     patch scale (kubectl)     kubectl/v1.36.0 (linux)   -        state:30   -       spec.replicas: 1 -> 3',
    );
  });

  it('is names, or the objects of the API', () => {
    expect(text('name')).toBe('revision/state-30\nrevision/state-22\nrevision/state-20\n');
    expect(JSON.parse(text('json'))).toEqual({ apiVersion: 'history.decklog.dev/v1', kind: 'RevisionList', metadata: {}, items: LIFE });
    expect(text('yaml')).toContain('kind: RevisionList\n');
  });
});

it('a field selector holds any value', () => {
  expect(fieldSelector({ 'object.name': 'a,b=c\\', actor: undefined, root: 'state:1' })).toBe('object.name=a\\,b\\=c\\\\,root=state:1');
  expect(fieldSelector({})).toBeUndefined();
});
