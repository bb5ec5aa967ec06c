import type { Instant } from '#libs/apimachinery';
import type { AppendWrite, AuditStream, EventLog, EventMeta, Sequence, StreamName } from '#libs/log';
import { encodeObject, subjectOf } from '#libs/log';
import type { PastReader, RequestQuery, RevisionQuery } from '#libs/runtime';
import { auditEntry } from './audit-contract.js';
import { appended, configMap, metaOf } from './events.js';

/** What a contract's test works with: a log and an audit stream, and the past that is read of them. */
export interface PastFixture {
  readonly log: EventLog;
  readonly audit: AuditStream;
  readonly past: PastReader;
  /** Resolves once the past holds every entry of the audit stream. */
  readonly audited: () => Promise<void>;
}

/** Makes a cluster's past over an empty log, whose clock is `now`; called once for each test. */
export type MakePast = (now: () => Instant) => Promise<PastFixture>;

const CONFIGMAPS = { group: '', resource: 'configmaps' };
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };
const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const A = { group: '', resource: 'configmaps', namespace: 'default', name: 'a' };

/** One specification of PastReader, run against every implementation. */
export function pastContract(name: string, make: MakePast): void {
  describe(`${name} as a reader of the past`, () => {
    let fixture: PastFixture;
    let time: Instant;
    beforeEach(async () => {
      time = BEGIN;
      fixture = await make(() => time);
    });
    const story = async (): Promise<void> => {
      for (const [at, stream, writes] of STORY) {
        time = BEGIN + at;
        await appended(fixture.log, stream, writes);
      }
      for (const stream of ['state', 'lease'] as const) await fixture.past.reached(stream, await fixture.log.last(stream));
    };
    events(() => fixture, story);
    moments(() => fixture, story);
    requests(() => fixture);
  });
}

const write = (
  resource: { readonly group: string; readonly resource: string },
  namespace: string,
  object: { readonly name: string; readonly value: string; readonly uid?: string },
  expected: Sequence,
  meta: Partial<EventMeta> = {},
): AppendWrite => {
  const { metadata, ...rest } = configMap(object.name, object.value, namespace);
  return {
    subject: subjectOf('one', resource === LEASES ? 'lease' : 'state', resource, namespace, object.name),
    expected,
    meta: metaOf({ type: expected === 0 ? 'Created' : 'Updated', verb: expected === 0 ? 'create' : 'update', previous: expected, ...meta }),
    body: encodeObject({ ...rest, metadata: { ...metadata, uid: object.uid ?? metadata.uid } } as ReturnType<typeof configMap>),
  };
};

/** A config map created, changed, deleted and made again; another that was caused by it; a lease; one in another namespace. */
const STORY: readonly (readonly [at: number, stream: StreamName, writes: readonly AppendWrite[]])[] = [
  [0, 'state', [write(CONFIGMAPS, 'default', { name: 'a', value: '1' }, 0, { actor: { user: 'jane' } })]],
  [
    10,
    'state',
    [write(CONFIGMAPS, 'default', { name: 'b', value: '1' }, 0, { actor: { user: 'robot' }, root: 'state:1', cause: 'state:1' })],
  ],
  [20, 'lease', [write(LEASES, 'default', { name: 'a', value: '1' }, 0, { actor: { user: 'node' } })]],
  [20, 'state', [write(CONFIGMAPS, 'default', { name: 'a', value: '2' }, 1, { actor: { user: 'jane' }, verb: 'patch' })]],
  [
    30,
    'state',
    [write(CONFIGMAPS, 'default', { name: 'b', value: '2' }, 2, { actor: { user: 'robot' }, root: 'state:1', cause: 'state:2' })],
  ],
  [40, 'state', [write(CONFIGMAPS, 'default', { name: 'a', value: '2' }, 3, { type: 'Deleted', verb: 'delete', actor: { user: 'jane' } })]],
  [50, 'state', [write(CONFIGMAPS, 'default', { name: 'a', value: '9', uid: 'another' }, 5, { type: 'Created', verb: 'create' })]],
  [50, 'state', [write(CONFIGMAPS, 'other', { name: 'a', value: '1' }, 0, { actor: { user: 'jane' } })]],
];

function events(fixture: () => PastFixture, story: () => Promise<void>): void {
  const asked: readonly (readonly [string, Partial<RevisionQuery>, readonly string[]])[] = [
    ['all there is', {}, ['state:7', 'state:6', 'state:5', 'state:4', 'state:3', 'lease:1', 'state:2', 'state:1']],
    ['a stream', { stream: 'lease' }, ['lease:1']],
    ['one object, across its deletion', A, ['state:6', 'state:5', 'state:3', 'state:1']],
    ['one life of an object', { ...A, uid: 'another' }, ['state:6']],
    ['a uid alone', { uid: 'uid-of-b' }, ['state:4', 'state:2']],
    ['a resource', { group: 'coordination.k8s.io', resource: 'leases' }, ['lease:1']],
    ['a namespace', { namespace: 'other' }, ['state:7']],
    ['a name in any namespace', { stream: 'state', name: 'a' }, ['state:7', 'state:6', 'state:5', 'state:3', 'state:1']],
    ['an actor', { actor: 'robot' }, ['state:4', 'state:2']],
    ['a verb', { verb: 'delete' }, ['state:5']],
    ['what an event began, itself included', { root: 'state:1' }, ['state:4', 'state:2', 'state:1']],
    ['what an event began, of one namespace and stream', { root: 'state:1', stream: 'state', namespace: 'other' }, []],
    ['what an event caused', { causes: ['state:1', 'state:3'] }, ['state:2']],
    ['a stretch of time, both ends included', { since: BEGIN + 20, until: BEGIN + 40 }, ['state:5', 'state:4', 'state:3', 'lease:1']],
    ['one object in a stretch of time', { ...A, until: BEGIN + 20 }, ['state:3', 'state:1']],
    ['what nobody did', { actor: 'nobody' }, []],
  ];

  it.each(asked)('finds by %s, newest first', async (_, query, wanted) => {
    await story();
    const found = await fixture().past.revisions({ limit: 100, ...query });
    expect(found.map(({ stream, sequence }) => `${stream}:${sequence}`)).toEqual(wanted);
  });

  it.each(asked)('pages through %s without a gap or a repetition', async (_, query, wanted) => {
    await story();
    const found: string[] = [];
    let before: RevisionQuery['before'];
    for (;;) {
      const page = await fixture().past.revisions({ limit: 2, ...query, ...(before ? { before } : {}) });
      found.push(...page.map(({ stream, sequence }) => `${stream}:${sequence}`));
      before = page.at(-1);
      if (before === undefined) break;
    }
    expect(found).toEqual(wanted);
  });

  it('gives an event whole, and the same object before it where that is asked for', async () => {
    await story();
    const { past } = fixture();
    const value = (body?: Uint8Array): unknown => body && (JSON.parse(new TextDecoder().decode(body)) as { data: unknown }).data;
    const plain = await past.revision('state', 3);
    expect(plain).toMatchObject({ namespace: 'default', name: 'a', uid: 'uid-of-a', type: 'Updated', time: BEGIN + 20 });
    expect(plain).toMatchObject({ resource: CONFIGMAPS, meta: { verb: 'patch', previous: 1, actor: { user: 'jane' } } });
    expect([value(plain?.body), plain?.before]).toEqual([{ value: '2' }, undefined]);
    const whole = await past.revision('state', 3, true);
    expect([whole?.before?.sequence, whole?.before?.type, value(whole?.before?.body)]).toEqual([1, 'Created', { value: '1' }]);
    const again = await past.revision('state', 6, true);
    expect([again?.before?.sequence, again?.before?.type]).toEqual([5, 'Deleted']);
    expect((await past.revision('state', 1, true))?.before).toBeUndefined();
    expect(await past.revision('state', 99)).toBeUndefined();
    const listed = await past.revisions({ ...A, limit: 9, withBefore: true });
    expect(listed.map(({ before }) => before?.sequence)).toEqual([5, 3, 1, undefined]);
  });
}

function moments(fixture: () => PastFixture, story: () => Promise<void>): void {
  it.each([
    [-1, { state: 0, lease: 0, event: 0 }],
    [0, { state: 1, lease: 0, event: 0 }],
    [19, { state: 2, lease: 0, event: 0 }],
    [20, { state: 3, lease: 1, event: 0 }],
    [1_000, { state: 7, lease: 1, event: 0 }],
  ])('knows where each stream stood %i ms after the beginning', async (at, wanted) => {
    await story();
    expect(await fixture().past.positionBy(BEGIN + at)).toEqual(wanted);
  });
}

const ENTRIES = [
  [
    auditEntry({ id: 'read', time: BEGIN, user: 'jane' }),
    auditEntry({
      id: 'denied',
      kind: 'denied',
      time: BEGIN,
      user: 'eve',
      verb: 'delete',
      group: 'apps',
      resource: 'deployments',
      name: 'web',
    }),
  ],
  [
    auditEntry({ id: 'as', kind: 'impersonation', time: BEGIN + 5, user: 'bob', impersonator: 'jane', namespace: 'other' }),
    auditEntry({ id: 'odd', time: BEGIN + 4, user: 'nul \0 and \ud800' }),
  ],
];

function requests(fixture: () => PastFixture): void {
  const asked: readonly (readonly [string, Partial<RequestQuery>, readonly string[]])[] = [
    ['all there is', {}, ['as', 'odd', 'denied', 'read']],
    ['a kind', { kind: 'denied' }, ['denied']],
    ['whoever asked, be it as somebody else', { user: 'jane' }, ['as', 'read']],
    ['a verb', { verb: 'delete' }, ['denied']],
    ['an object', { group: 'apps', resource: 'deployments', namespace: 'default', name: 'web' }, ['denied']],
    ['a namespace', { namespace: 'other' }, ['as']],
    ['a stretch of time, both ends included', { since: BEGIN + 4, until: BEGIN + 5 }, ['as', 'odd']],
  ];

  it.each(asked)('finds requests by %s, newest first, in pages', async (_, query, wanted) => {
    const { audit, audited, past } = fixture();
    for (const entries of ENTRIES) await audit.append(entries);
    await audited();
    const whole = await past.requests({ limit: 100, ...query });
    expect(whole.map(({ entry }) => entry.id)).toEqual(wanted);
    const found: string[] = [];
    let before: RequestQuery['before'];
    for (;;) {
      const page = await past.requests({ limit: 1, ...query, ...(before ? { before } : {}) });
      const [one] = page;
      if (one === undefined) break;
      found.push(one.entry.id);
      before = { time: one.entry.time, sequence: one.sequence, index: one.index };
    }
    expect(found).toEqual(wanted);
    expect(whole.find(({ entry }) => entry.id === 'read')).toEqual(
      wanted.includes('read') ? { sequence: 1, index: 0, entry: ENTRIES[0]?.[0] } : undefined,
    );
  });
}
