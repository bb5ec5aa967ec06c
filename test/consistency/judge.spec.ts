import type { Asked, Delivered } from '#libs/consistency';
import { judge, type Wrong } from './judge.js';
import type { Chain, ListRequest, LogEvent, Request, Seen } from './seen.js';

const event = (version: number, by: string, type: LogEvent['type'], object = 'a', more: Partial<LogEvent> = {}): LogEvent => ({
  version,
  kind: 'configmaps',
  object,
  type,
  content: by,
  by,
  ...more,
});
const request = (id: string, asked: Asked, answered: Request['answered'], from: number, more: Partial<Request> = {}): Request => ({
  id,
  server: 'one',
  kind: 'configmaps',
  object: 'a',
  asked,
  answered,
  from,
  to: from + 1,
  ...more,
});
const create = (id: string, version: number, from: number, more: Partial<Request> = {}): Request =>
  request(id, { verb: 'create', content: id }, { outcome: 'done', version, content: id }, from, more);
const update = (id: string, version: number, from: number, more: Partial<Request> = {}): Request =>
  request(id, { verb: 'update', content: id }, { outcome: 'done', version, content: id }, from, more);
const get = (id: string, version: number, content: string, from: number): Request =>
  request(id, { verb: 'get' }, { outcome: 'done', version, content }, from);
const shown = ({ version, type, object, content }: LogEvent): Delivered => ({ version, type, object, content });
const chain = (from: number, ...events: readonly LogEvent[]): Chain => ({
  kind: 'configmaps',
  watches: [{ name: 'w', from, delivered: events.map(shown) }],
});
const list = (version: number, from: number, ...items: readonly LogEvent[]): ListRequest => ({
  name: 'l',
  kind: 'configmaps',
  version,
  items,
  from,
  to: from + 1,
});

const [made, changed] = [event(5, 'c-1', 'ADDED'), event(7, 'c-2', 'MODIFIED')];
const both = [made, changed];
const right: Seen = {
  requests: [create('c-1', 5, 0), update('c-2', 7, 2), get('c-3', 7, 'c-2', 4)],
  lists: [list(7, 4, changed)],
  chains: [chain(4, made, changed)],
  unexpected: [],
};
const unknown = (id: string, from: number, more: Partial<Request> = {}): Request =>
  request(id, { verb: 'update', content: id }, { outcome: 'unknown' }, from, more);
const pair = (refused: boolean): readonly Request[] =>
  ['a', 'b'].map((object) => unknown('t-1', 2, { object, together: { size: 2, refused } }));

/** What a transaction changes. */
const there = [create('c-0', 4, 0, { object: 'b' }), create('c-1', 5, 0)];
const thereAt = [event(4, 'c-0', 'ADDED', 'b'), made];

interface Row {
  readonly title: string;
  readonly seen: Partial<Seen>;
  readonly events?: readonly LogEvent[];
  readonly wrong: readonly Wrong['rule'][];
}

const ROWS: readonly Row[] = [
  { title: 'what all agree on', seen: {}, wrong: [] },
  {
    title: 'an acknowledged write that the log has not',
    seen: { lists: [], chains: [], requests: [create('c-1', 5, 0), update('c-2', 7, 2)] },
    events: [made],
    wrong: ['lost'],
  },
  { title: 'an acknowledged write that stands elsewhere', seen: { requests: [create('c-1', 5, 0), update('c-2', 6, 2)] }, wrong: ['lost'] },
  {
    title: 'an acknowledged deletion that the log has not',
    seen: { requests: [...right.requests, request('c-4', { verb: 'delete' }, { outcome: 'done' }, 9)] },
    wrong: ['lost'],
  },
  {
    title: 'a pod that was asked to go once more',
    seen: { requests: [request('c-4', { verb: 'delete' }, { outcome: 'done', version: 7 }, 9, { kind: 'pods' })], lists: [], chains: [] },
    events: [event(7, 'c-1', 'MODIFIED', 'a', { kind: 'pods', leaving: true })],
    wrong: [],
  },
  {
    title: 'a pod that nobody asked to go, though that was acknowledged',
    seen: { requests: [request('c-4', { verb: 'delete' }, { outcome: 'done', version: 7 }, 9, { kind: 'pods' })], lists: [], chains: [] },
    events: [event(7, 'c-1', 'MODIFIED', 'a', { kind: 'pods' })],
    wrong: ['lost'],
  },
  {
    title: 'a request that happened twice',
    seen: { requests: [create('c-1', 5, 0), unknown('c-2', 2)], lists: [], chains: [] },
    events: [...both, event(8, 'c-2', 'MODIFIED')],
    wrong: ['twice'],
  },
  {
    title: 'a refused request that happened',
    seen: { requests: [create('c-1', 5, 0), request('c-2', { verb: 'update', content: 'c-2' }, { outcome: 'NotFound' }, 2)] },
    wrong: ['refused, and done', 'linearizability'],
  },
  {
    title: 'a request without an answer that happened',
    seen: { requests: [create('c-1', 5, 0), unknown('c-2', 2), get('c-3', 7, 'c-2', 4)] },
    wrong: [],
  },
  {
    title: 'a request without an answer that happened later',
    seen: { requests: [create('c-1', 5, 0), unknown('c-2', 2), get('c-3', 5, 'c-1', 4)] },
    wrong: [],
  },
  { title: 'a request without an answer that never happened', seen: { requests: [create('c-1', 5, 0), unknown('c-9', 2)] }, wrong: [] },
  {
    title: 'a stale read',
    seen: { requests: [create('c-1', 5, 0), update('c-2', 7, 2), get('c-3', 5, 'c-1', 4)] },
    wrong: ['linearizability'],
  },
  {
    title: 'a read of what was never written',
    seen: { requests: [create('c-1', 5, 0), get('c-3', 6, 'c-9', 4)] },
    wrong: ['read', 'linearizability'],
  },
  {
    title: 'a transaction of which one half is there',
    seen: { requests: [...there, ...pair(false)], lists: [], chains: [] },
    events: [...thereAt, event(7, 't-1', 'MODIFIED')],
    wrong: ['torn'],
  },
  {
    title: 'a refused transaction that is there',
    seen: { requests: [...there, ...pair(true)], lists: [], chains: [] },
    events: [...thereAt, event(7, 't-1', 'MODIFIED'), event(8, 't-1', 'MODIFIED', 'b')],
    wrong: ['refused, and done', 'refused, and done'],
  },
  {
    title: 'a later write of another object with a lower resourceVersion',
    seen: { requests: [create('c-1', 7, 0), create('c-2', 5, 2, { object: 'b' })], lists: [], chains: [] },
    events: [event(5, 'c-2', 'ADDED', 'b'), event(7, 'c-1', 'ADDED')],
    wrong: ['order'],
  },
  { title: 'a list that does not know of a write acknowledged before', seen: { lists: [list(5, 4, made)] }, wrong: ['order'] },
  { title: 'a list without an object', seen: { lists: [list(7, 4)] }, wrong: ['list'] },
  { title: 'a watch that misses an event', seen: { chains: [chain(4, changed)] }, wrong: ['watch'] },
  { title: 'a watch that repeats an event', seen: { chains: [chain(4, made, changed, changed)] }, wrong: ['watch'] },
  { title: 'an answer that nobody should get', seen: { unexpected: ['500'] }, wrong: ['answer'] },
];

describe('what clients saw, and the log', () => {
  it.each(ROWS)('judges $title', ({ seen, events = both, wrong }) => {
    const rules = judge({ ...right, ...seen }, events).map(({ rule }) => rule);
    expect([...rules].sort()).toEqual([...wrong].sort());
  });
});
