import {
  brokenChain,
  brokenList,
  brokenWatch,
  disorders,
  linearizable,
  type Operation,
  type Stamped,
  type Verdict,
} from '#libs/consistency';
import { KIND_NAMES } from './kinds.js';
import type { LogEvent, Request, Seen } from './seen.js';

/** What should not have been. */
export interface Wrong {
  readonly rule:
    'lost' | 'twice' | 'torn' | 'refused, and done' | 'read' | 'linearizability' | 'undecided' | 'order' | 'watch' | 'list' | 'answer';
  readonly says: string;
}

const keyOf = ({ kind, object }: { readonly kind: string; readonly object: string }): string => `${kind}/${object}`;
const isWrite = ({ asked }: Request): boolean => asked.verb !== 'get';
const named = (request: Request): string => `${request.asked.verb} of ${keyOf(request)} by ${request.id} at ${request.server}`;

/** The events of the log, by who asked for them and by object. */
class Facts {
  readonly #by = new Map<string, LogEvent[]>();
  readonly #at = new Map<number, LogEvent>();

  constructor(events: readonly LogEvent[]) {
    for (const event of events) {
      this.#at.set(event.version, event);
      const key = `${event.by} ${keyOf(event)}`;
      const found = this.#by.get(key);
      if (found) found.push(event);
      else this.#by.set(key, [event]);
    }
  }

  /** What a request made of its object. */
  of(request: Request): readonly LogEvent[] {
    return this.#by.get(`${request.id} ${keyOf(request)}`) ?? [];
  }

  at(version: number): LogEvent | undefined {
    return this.#at.get(version);
  }
}

/** Whether a pod was asked to go that somebody else had asked already: nothing is left to be written of that. */
function isRepeated({ asked, answered, kind, object }: Request, facts: Facts): boolean {
  if (asked.verb !== 'delete' || answered.outcome !== 'done' || answered.version === undefined) return false;
  const stands = facts.at(answered.version);
  return stands !== undefined && keyOf(stands) === keyOf({ kind, object }) && stands.leaving === true && stands.type === 'MODIFIED';
}

/** What the log says against an answer to a write. */
function wrongWrite(request: Request, facts: Facts): readonly Wrong[] {
  const { asked, answered, together } = request;
  const [event, ...more] = facts.of(request);
  if (more.length > 0)
    return [{ rule: 'twice', says: `${named(request)} happened at ${[event, ...more].map((one) => one?.version).join(', ')}` }];
  if (answered.outcome === 'done') {
    if (!event && isRepeated(request, facts)) return [];
    if (!event)
      return [
        { rule: 'lost', says: `${named(request)} was acknowledged at ${answered.version ?? 'its time'}, and the log has no event of it` },
      ];
    const isOther = answered.version !== undefined && asked.verb !== 'delete' && answered.version !== event.version;
    return isOther
      ? [{ rule: 'lost', says: `${named(request)} was acknowledged at ${answered.version}, and stands at ${event.version}` }]
      : [];
  }
  const refused = answered.outcome !== 'unknown' || together?.refused === true;
  return refused && event ? [{ rule: 'refused, and done', says: `${named(request)} was refused, and happened at ${event.version}` }] : [];
}

/** Transactions of which a part is in the log. */
function tornTransactions(requests: readonly Request[], facts: Facts): readonly Wrong[] {
  const done = new Map<string, { size: number; there: number }>();
  for (const request of requests) {
    if (!request.together) continue;
    const one = done.get(request.id) ?? { size: request.together.size, there: 0 };
    if (facts.of(request).length > 0) one.there += 1;
    done.set(request.id, one);
  }
  return [...done].flatMap(([id, { size, there }]): readonly Wrong[] =>
    there === 0 || there === size ? [] : [{ rule: 'torn', says: `${there} of the ${size} events of transaction ${id} are in the log` }],
  );
}

/** A read of what the log does not hold. */
function wrongRead(request: Request, facts: Facts): readonly Wrong[] {
  const { version, content } = request.answered.outcome === 'done' ? request.answered : {};
  if (version === undefined) return [];
  const event = facts.at(version);
  if (event && keyOf(event) === keyOf(request) && event.type !== 'DELETED' && event.content === content) return [];
  return [
    {
      rule: 'read',
      says: `${named(request)} was answered ${content} at ${version}, where the log has ${event ? `${keyOf(event)} ${event.content}` : 'nothing of the kind'}`,
    },
  ];
}

/** A request as the checker of linearizability takes it: where no answer came the log says whether it happened, not when. */
function operationOf(request: Request, facts: Facts, end: number): readonly Operation[] {
  const { id: client, asked, answered, from, to } = request;
  if (answered.outcome !== 'unknown') return [{ client, asked, answered, from, to }];
  const [event] = facts.of(request);
  if (!event) return [];
  return [{ client, asked, answered: { outcome: 'done', version: event.version }, from, to: end }];
}

const shown = ({ client, asked, answered, from, to }: Operation): string =>
  `${client} ${JSON.stringify(asked)} -> ${JSON.stringify(answered)} [${from.toFixed(1)}, ${to.toFixed(1)}]`;

function wrongVerdict(key: string, verdict: Verdict): readonly Wrong[] {
  if (verdict.verdict === 'linearizable') return [];
  if (verdict.verdict === 'undecided') return [{ rule: 'undecided', says: `${key} after ${verdict.steps} steps` }];
  const [explained, stuck] = [verdict.explained.slice(-3), verdict.stuckAt.slice(0, 6)];
  return [
    {
      rule: 'linearizability',
      says: [`${key}: after`, ...explained.map(shown), 'nothing of this fits:', ...stuck.map(shown)].join('\n    '),
    },
  ];
}

function notLinearizable(requests: readonly Request[], facts: Facts): readonly Wrong[] {
  const end = requests.reduce((last, { to }) => Math.max(last, to), 0) + 1;
  const byObject = new Map<string, Operation[]>();
  for (const request of requests) {
    if (request.kind === 'pods') continue;
    const operations = byObject.get(keyOf(request)) ?? [];
    operations.push(...operationOf(request, facts, end));
    byObject.set(keyOf(request), operations);
  }
  return [...byObject].flatMap(([key, operations]) => wrongVerdict(key, linearizable(operations)));
}

/** Positions that do not rise with time, of all writes and lists of all objects. */
function outOfOrder({ requests, lists }: Seen): readonly Wrong[] {
  const writes = requests.flatMap((request): readonly Stamped[] => {
    const version = isWrite(request) && request.answered.outcome === 'done' ? request.answered.version : undefined;
    return version === undefined || request.asked.verb === 'delete'
      ? []
      : [{ what: named(request), version, from: request.from, to: request.to }];
  });
  const stamped = [...writes, ...lists.map(({ name, version, from, to }): Stamped => ({ what: name, version, from, to }))];
  const written = new Set(writes);
  return disorders(stamped, (a, b) => written.has(a) && written.has(b)).map(({ earlier, later }) => ({
    rule: 'order',
    says: `${later.what} was told ${later.version}, after ${earlier.what} had been told ${earlier.version}`,
  }));
}

function wrongWatches({ chains, lists }: Seen, events: readonly LogEvent[]): readonly Wrong[] {
  return KIND_NAMES.flatMap((kind): readonly Wrong[] => {
    const facts = events.filter((event) => event.kind === kind);
    const ours = chains.filter((chain) => chain.kind === kind).map(({ watches }) => watches);
    const watched = ours.flatMap((watches) => [...brokenChain(watches), ...watches.flatMap((watch) => brokenWatch(watch, facts))]);
    const listed = lists.filter((list) => list.kind === kind).flatMap((list) => brokenList(list, facts));
    const say =
      (rule: 'watch' | 'list') =>
      (broken: (typeof watched)[number]): Wrong => ({ rule, says: `${broken.property}: ${broken.name}: ${broken.says}` });
    return [...watched.map(say('watch')), ...listed.map(say('list'))];
  });
}

/** Everything that is wrong with what clients saw, by what the log says happened. `events` are in the order of the log. */
export function judge(seen: Seen, events: readonly LogEvent[]): readonly Wrong[] {
  const facts = new Facts(events);
  const writes = seen.requests.filter(isWrite);
  return [
    ...seen.unexpected.map((says): Wrong => ({ rule: 'answer', says })),
    ...writes.flatMap((request) => wrongWrite(request, facts)),
    ...tornTransactions(writes, facts),
    ...seen.requests.filter((request) => !isWrite(request)).flatMap((request) => wrongRead(request, facts)),
    ...notLinearizable(seen.requests, facts),
    ...outOfOrder(seen),
    ...wrongWatches(seen, events),
  ];
}
