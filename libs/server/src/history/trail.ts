import { badRequest } from '#libs/apimachinery';
import type { Sequence, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';
import type { PastReader, RequestQuery, RevisionQuery, StoredRequest, StoredRevision } from '#libs/runtime';

/** What the trail holds, newest first: events, and entries of the audit stream. */
export type TrailItem =
  | { readonly kind: 'revision'; readonly time: number; readonly revision: StoredRevision }
  | { readonly kind: 'request'; readonly time: number; readonly request: StoredRequest };

/** How far a page has come in both of them; what is absent has not begun. */
export interface TrailPlace {
  readonly revision?: NonNullable<RevisionQuery['before']>;
  readonly request?: NonNullable<RequestQuery['before']>;
}

/** Rows read at once. */
const LARGEST_CHUNK = 500;
const SMALLEST_CHUNK = 50;

/** What is looked for; what is absent is not. */
export interface TrailQuery {
  readonly revisions?: Omit<RevisionQuery, 'limit' | 'before'>;
  readonly requests?: Omit<RequestQuery, 'limit' | 'before'>;
}

async function* revisionsOf(history: PastReader, query: Omit<RevisionQuery, 'limit'>, limit: number): AsyncGenerator<TrailItem> {
  let { before } = query;
  for (;;) {
    const rows = await history.revisions({ ...query, limit, ...(before === undefined ? {} : { before }) });
    for (const revision of rows) yield { kind: 'revision', time: revision.time, revision };
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    before = { time: last.time, stream: last.stream, sequence: last.sequence };
  }
}

async function* requestsOf(history: PastReader, query: Omit<RequestQuery, 'limit'>, limit: number): AsyncGenerator<TrailItem> {
  let { before } = query;
  for (;;) {
    const rows = await history.requests({ ...query, limit, ...(before === undefined ? {} : { before }) });
    for (const request of rows) yield { kind: 'request', time: request.entry.time, request };
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    before = { time: last.entry.time, sequence: last.sequence, index: last.index };
  }
}

/** Events and entries of the audit stream that match, newest first, behind a place; `wanted` says how many will be asked for. */
export async function* trail(history: PastReader, query: TrailQuery, from: TrailPlace, wanted: number): AsyncGenerator<TrailItem> {
  const chunk = Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, wanted + 1));
  const { revisions, requests } = query;
  const sources = [
    ...(revisions ? [revisionsOf(history, { ...revisions, ...(from.revision ? { before: from.revision } : {}) }, chunk)] : []),
    ...(requests ? [requestsOf(history, { ...requests, ...(from.request ? { before: from.request } : {}) }, chunk)] : []),
  ];
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let newest: number | undefined;
    for (const [i, head] of heads.entries()) {
      const best = newest === undefined ? undefined : heads[newest];
      if (head.done !== true && (best === undefined || best.done === true || head.value.time > best.value.time)) newest = i;
    }
    const head = newest === undefined ? undefined : heads[newest];
    if (newest === undefined || head === undefined || head.done === true) return;
    yield head.value;
    const next = await sources[newest]?.next();
    if (next === undefined) return;
    heads[newest] = next;
  }
}

/** The place behind an item. */
export function behind(place: TrailPlace, item: TrailItem): TrailPlace {
  if (item.kind === 'revision') {
    const { time, stream, sequence } = item.revision;
    return { ...place, revision: { time, stream, sequence } };
  }
  const { sequence, index, entry } = item.request;
  return { ...place, request: { time: entry.time, sequence, index } };
}

/** A place as a continue token. */
export function encodeTrailPlace({ revision, request }: TrailPlace): string {
  const parts = {
    v: HISTORY_TOKEN,
    ...(revision === undefined ? {} : { e: [revision.time, revision.stream, revision.sequence] }),
    ...(request === undefined ? {} : { a: [request.time, request.sequence, request.index] }),
  };
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

const HISTORY_TOKEN = 'history.decklog.dev/v1';
const isNumber = (value: unknown): value is Sequence => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isStream = (value: unknown): value is StreamName => (STREAMS as readonly unknown[]).includes(value);

/** The place that a token names; '' names the beginning. Throws 400 for anything else. */
export function decodeTrailPlace(token: string): TrailPlace {
  if (token === '') return {};
  const wrong = badRequest('continue key is not valid: it was not made by this list');
  let parsed: { readonly v?: unknown; readonly e?: unknown; readonly a?: unknown } | null;
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as typeof parsed;
  } catch {
    throw wrong;
  }
  const { v, e, a } = parsed ?? {};
  if (v !== HISTORY_TOKEN) throw wrong;
  const events: readonly unknown[] | undefined = Array.isArray(e) ? e : undefined;
  const entries: readonly unknown[] | undefined = Array.isArray(a) ? a : undefined;
  const [time, stream, sequence] = events ?? [];
  const [asked, message, index] = entries ?? [];
  if (events !== undefined && !(isNumber(time) && isStream(stream) && isNumber(sequence))) throw wrong;
  if (entries !== undefined && !(isNumber(asked) && isNumber(message) && isNumber(index))) throw wrong;
  return {
    ...(isNumber(time) && isStream(stream) && isNumber(sequence) ? { revision: { time, stream, sequence } } : {}),
    ...(isNumber(asked) && isNumber(message) && isNumber(index) ? { request: { time: asked, sequence: message, index } } : {}),
  };
}
