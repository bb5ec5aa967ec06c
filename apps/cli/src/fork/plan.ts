import type { Pod } from '#libs/api';
import {
  accountsOfPods,
  actsOf,
  forkSettings,
  instantOf,
  MOMENT_FORMS,
  parseMoment,
  type Act,
  type Moment,
  type SeedRow,
} from '#libs/history';
import { decodeObject } from '#libs/log';
import { addressesOf } from '../addresses.js';
import type { ForkOrigin } from '../cluster.js';
import { Failure } from '../failure.js';
import type { Say } from '../terminal.js';
import { readObjects, simulationOf, type Simulation, type Source } from './source.js';

/** What `fork` was asked for. */
export interface ForkOptions {
  /** The new profile, and the one whose past it begins in. */
  readonly name: string;
  readonly profile: string;
  readonly at?: string;
  readonly set: readonly string[];
  /** The request that is not to happen. */
  readonly excludeRoot?: number;
  /** What people did after the moment is to happen again, also where nothing is excluded. */
  readonly replay?: boolean;
  /** A manifest that is applied at the moment. */
  readonly apply?: string;
  readonly speed?: number;
  readonly withoutSecrets?: boolean;
}

/** What a fork is made of. */
export interface Plan {
  readonly origin: ForkOrigin;
  readonly rows: readonly SeedRow[];
  readonly simulation: Simulation;
  readonly acts: readonly Act[];
}

/** Beyond this the control plane can't keep up with the sum of its nodes' signs of life. */
const MOST_SPEED = 100;
const MOST_NODE_SPEED = 2_000;
/** Events after the moment in which acts are looked for. */
const MOST_EVENTS = 20_000;
/** How long doing acts again takes where nobody said how fast. */
const REPLAY_MS = 20_000;

/** What can be said before anything is read. Throws Failure. */
export function checkOptions(options: ForkOptions): ReturnType<typeof settingsOf> {
  const { at, speed, excludeRoot } = options;
  if (at !== undefined && parseMoment(at) === undefined) throw new Failure(`--at ${at} is no moment: it must be ${MOMENT_FORMS}`, [], 2);
  if (speed !== undefined && speed > MOST_SPEED)
    throw new Failure(`--speed can be ${MOST_SPEED} at most: the control plane has to keep up with it`, [], 2);
  if (excludeRoot !== undefined && excludeRoot < 2)
    throw new Failure('--exclude-root is the sequence of a request, as `decklog activity` and `decklog why` show it', [], 2);
  return settingsOf(options.set);
}

function settingsOf(texts: readonly string[]): { readonly schedulerProfile?: string } {
  const settings = forkSettings(texts);
  if ('problem' in settings) throw new Failure(settings.problem, [], 2);
  return settings;
}

/** Reads what a fork is made of. */
export async function planOf(source: Source, options: ForkOptions, say: Say): Promise<Plan> {
  const { cluster } = source;
  const began = await beginning(source, options);
  const rows = await readObjects(source, began.sequence);
  const nodes = rows.filter(({ group, resource }) => group === '' && resource === 'nodes').length;
  const when = new Date(began.time).toISOString();
  say(`state:${began.sequence}, ${when}: ${rows.length} objects, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`);
  const acts =
    options.replay === true || options.excludeRoot !== undefined ? await actsAfter(source, began.sequence, rows, options, say) : [];
  const speed = speedOf(options.speed, nodes, (acts.at(-1)?.event.time ?? began.time) - began.time);
  const origin: ForkOrigin = {
    of: cluster.profile,
    clusterId: cluster.id,
    at: began.sequence,
    time: when,
    speed,
    serviceCidr: addressesOf(cluster.index).serviceCidr,
    ...settingsOf(options.set),
    ...(options.excludeRoot === undefined ? {} : { excludeRoot: options.excludeRoot }),
    ...(options.replay === true ? { replay: true } : {}),
    ...(options.withoutSecrets === true ? { withoutSecrets: true } : {}),
    seeded: false,
  };
  return { origin, rows, simulation: await simulationOf(source, began.sequence, rows), acts };
}

interface Beginning {
  readonly sequence: number;
  readonly time: number;
}

/** Where the fork begins: at the moment that was named, else right before the request that is not to happen, else now. */
async function beginning(source: Source, { at, excludeRoot }: ForkOptions): Promise<Beginning> {
  const { seeds, cluster } = source;
  const excluded = excludeRoot === undefined ? undefined : await requestAt(source, excludeRoot);
  if (at === undefined && excluded !== undefined) return { sequence: excluded.sequence - 1, time: excluded.time };
  const moment: Moment = parseMoment(at ?? 'now') ?? { kind: 'age', ageMs: 0 };
  const now = Date.now();
  const instant = instantOf(moment, now);
  const found = await seeds.newestBy(moment.kind === 'sequence' ? { sequence: moment.sequence } : { time: instant ?? now });
  if (found === undefined) throw new Failure(`"${cluster.profile}" had not begun at ${at ?? 'now'}`, [], 2);
  if (excluded !== undefined && found.sequence >= excluded.sequence) {
    throw new Failure(
      `--at ${at ?? ''} is after state:${excluded.sequence}, which is not to happen`,
      ['Leave --at out: the fork then begins right before it.'],
      2,
    );
  }
  // A moment that names a time begins then, not at the last event before it.
  return { sequence: found.sequence, time: Math.max(found.time, Math.min(instant ?? found.time, now)) };
}

/** The event that a request began with. Throws Failure where it is none, and says which one is. */
async function requestAt({ seeds, cluster }: Source, sequence: number): Promise<Beginning> {
  const [event, found] = await Promise.all([seeds.event(sequence), seeds.newestBy({ sequence })]);
  if (event === undefined || found === undefined)
    throw new Failure(`"${cluster.profile}" has no event state:${sequence}`, ['`decklog activity` lists them.'], 2);
  const { meta, resource, name } = event;
  if (meta.root !== undefined && meta.root !== `state:${sequence}`) {
    throw new Failure(
      `state:${sequence} (${meta.verb} ${resource}/${name}) is no request of its own: it came of ${meta.root}`,
      [`Give --exclude-root ${meta.root.replace(/^state:/, '')}.`],
      2,
    );
  }
  if (meta.decision !== undefined)
    throw new Failure(`state:${sequence} is no request: the controller ${meta.decision.controller} decided on it by itself`, [], 2);
  return found;
}

async function actsAfter(
  { seeds }: Source,
  at: number,
  rows: readonly SeedRow[],
  { excludeRoot, withoutSecrets }: ForkOptions,
  say: Say,
): Promise<readonly Act[]> {
  const events = await seeds.outside(at, MOST_EVENTS + 1);
  if (events.length > MOST_EVENTS)
    throw new Failure(`more than ${MOST_EVENTS} events came from outside since: too many to do again`, ['Choose a later --at.']);
  const pods = rows.filter(({ group, resource }) => group === '' && resource === 'pods').map(({ body }) => decodeObject<Pod>(body, 0));
  const later = events.filter(({ group, resource }) => group === '' && resource === 'pods').map(({ object }) => object as Pod);
  const { acts, left } = actsOf(events, {
    inside: accountsOfPods([...pods, ...later]),
    ...(excludeRoot === undefined ? {} : { excludeRoot }),
  });
  for (const [user, count] of left) say(`${count} of ${user} left out: it ran in a pod`);
  return withoutSecrets === true ? acts.filter(({ event }) => !(event.group === '' && event.resource === 'secrets')) : acts;
}

function speedOf(asked: number | undefined, nodes: number, spanMs: number): number {
  const most = Math.max(1, Math.min(MOST_SPEED, Math.floor(MOST_NODE_SPEED / Math.max(1, nodes))));
  if (asked === undefined) return Math.min(most, Math.max(1, Math.ceil(spanMs / REPLAY_MS)));
  if (asked > most)
    throw new Failure(`${nodes} nodes at ${asked}x are more than the control plane keeps up with`, [`Give --speed ${most} or less.`], 2);
  return asked;
}
