import type { StreamName } from '#libs/log';
import { untilLed } from './electing.js';
import type { Wire } from './wire.js';
import { AnswerLost, json } from './wire.js';

/** The largest message: Kubernetes' largest objects pass the server's default of 1 MiB. */
export const MAX_MESSAGE = 4 * 1024 * 1024;

const DAY_MS = 24 * 3_600_000;
const EVENT_AGE_MS = 30 * DAY_MS;
const OLDEST_SERVER = [2, 12] as const;

/** The server or a stream is not as the log needs it. Nothing is changed: somebody has to decide. */
export class WrongLogSettings extends Error {
  override readonly name = 'WrongLogSettings';
}

type Settings = Readonly<Record<string, unknown>>;

/**
 * How a stream's blocks are kept. Of a copy that was cut short after a crash, because its end had not been agreed on, nats-server 2.15 leaves
 * a compressed block to which it goes on appending plainly, and can't read that at the next start; a copy on one server is never cut.
 */
export const compressionOf = (replicas: number): 'none' | 's2' => (replicas > 1 ? 'none' : 's2');

/** The name of a cluster's stream. */
export const streamName = (cluster: string, stream: StreamName): string => `decklog_${cluster}_${stream}`;

/**
 * What a stream is created with and checked against. Leases keep a few messages per subject; Kubernetes Events a day more than
 * their own limit, after which they are deleted so that watchers see it.
 */
export function streamSettings(cluster: string, stream: StreamName, replicas: number, eventAgeMs: number = EVENT_AGE_MS): Settings {
  return {
    name: streamName(cluster, stream),
    subjects: [`decklog.${cluster}.${stream}.>`],
    storage: 'file',
    retention: 'limits',
    discard: 'new',
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: stream === 'event' ? (eventAgeMs + DAY_MS) * 1e6 : 0,
    max_msgs_per_subject: stream === 'lease' ? 4 : -1,
    max_msg_size: MAX_MESSAGE,
    num_replicas: replicas,
    compression: compressionOf(replicas),
    allow_direct: true,
    allow_atomic: true,
    sealed: false,
    deny_delete: false,
    deny_purge: false,
    allow_rollup_hdrs: false,
    allow_msg_ttl: false,
  };
}

interface ApiAnswer {
  readonly config?: Settings;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string };
}

const NOT_FOUND = 10059;
const NAME_IN_USE = 10058;
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Refuses a server that is too old for atomic batches, or whose messages are too small. */
export function checkServer(wire: Wire): void {
  const { version, maxPayload } = wire.server;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1])) {
    throw new WrongLogSettings(`nats-server is ${version}, must be ${OLDEST_SERVER.join('.')} or newer`);
  }
  if (maxPayload < MAX_MESSAGE) throw new WrongLogSettings(`nats-server: max_payload is ${maxPayload}, must be at least ${MAX_MESSAGE}`);
}

/**
 * Creates a cluster's stream, or checks that it is as `streamSettings` says: a difference refuses to start, naming every setting.
 * But for the age of Kubernetes Events: where it is given it is brought to that, otherwise it is left as it is.
 */
export async function ensureStream(wire: Wire, cluster: string, stream: StreamName, replicas: number, eventAgeMs?: number): Promise<void> {
  const wanted = streamSettings(cluster, stream, replicas, eventAgeMs);
  const name = streamName(cluster, stream);
  let answer = await ask(wire, `$JS.API.STREAM.INFO.${name}`, undefined);
  if (answer.error?.err_code === NOT_FOUND) answer = await ask(wire, `$JS.API.STREAM.CREATE.${name}`, wanted);
  if (stream === 'event' && eventAgeMs !== undefined && answer.config && answer.config['max_age'] !== wanted['max_age']) {
    answer = await ask(wire, `$JS.API.STREAM.UPDATE.${name}`, { ...answer.config, max_age: wanted['max_age'] });
  }
  if (answer.error) throw new WrongLogSettings(`stream ${name}: ${answer.error.description}`);
  const differences = Object.entries(wanted)
    .filter(([key]) => stream !== 'event' || key !== 'max_age')
    .filter(([key, value]) => !same(answer.config?.[key] ?? (value === false ? false : undefined), value))
    .map(([key, value]) => `${key} is ${JSON.stringify(answer.config?.[key])}, must be ${JSON.stringify(value)}`);
  if (differences.length > 0) throw new WrongLogSettings(`stream ${name}: ${differences.join('; ')}`);
}

/** Creates a stream, or brings the settings of the one there is to what is asked for. */
export async function applyStream(wire: Wire, name: string, wanted: object): Promise<void> {
  const created = await ask(wire, `$JS.API.STREAM.CREATE.${name}`, wanted);
  const answer = created.error?.err_code === NAME_IN_USE ? await ask(wire, `$JS.API.STREAM.UPDATE.${name}`, wanted) : created;
  if (answer.error) throw new WrongLogSettings(`stream ${name}: ${answer.error.description}`);
}

/** Errors of servers that are still finding each other: no leader, not enough of them. */
const UNSETTLED: ReadonlySet<number> = new Set([10005, 10008, 10009]);
const ANSWER_MS = 5_000;

function ask(wire: Wire, subject: string, payload: unknown): Promise<ApiAnswer> {
  return untilLed(async () => {
    const message = await wire.request(subject, payload === undefined ? new Uint8Array() : json(payload), ANSWER_MS);
    if (message.data.length === 0) throw new WrongLogSettings('nats-server runs without JetStream');
    const answer = message.json<ApiAnswer>();
    if (UNSETTLED.has(answer.error?.err_code ?? 0)) throw new AnswerLost(answer.error?.description ?? '');
    return answer;
  });
}
