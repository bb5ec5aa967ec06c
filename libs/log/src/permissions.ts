import { STREAMS } from './event.js';
import { markSubject } from './subject.js';

/** Services of the control plane that append what they decide, and keep no limits of streams. */
export const CONTROLLER_USERS = ['scheduler', 'replication', 'endpoints', 'serviceaccounts', 'lifecycle'] as const;

/** Processes of the control plane that are apart, each with rights of its own. */
export const SERVICE_USERS = ['apiserver', 'projector', ...CONTROLLER_USERS] as const;

/** One of them. */
export type ServiceUser = (typeof SERVICE_USERS)[number];

/** Who talks to the log's server, each with credentials of its own. Nodes do not. */
export type LogUser =
  /** A control plane that is one process, and the commands that read the log. */
  | 'control-plane'
  | ServiceUser
  /** `decklog archive`: the one who may remove messages, and who may append no event. */
  | 'archiver'
  /** `decklog backup`: takes the server's snapshots of the cluster's streams, and does nothing else. */
  | 'backup'
  /** `decklog restore`: makes streams out of snapshots where there are none. No process that runs holds these credentials. */
  | 'restorer';

/** Streams whose limits are settings of the control plane; nobody but the archiver changes the others. */
const ADJUSTABLE = ['event', 'audit', 'checkpoint'] as const;

const reading = (stream: string): readonly string[] => [
  `$JS.API.STREAM.INFO.${stream}`,
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}.>`,
];

/**
 * Makes streams and reads them, appends events, keeps up leases, and keeps the keys of Secrets: a key that is destroyed is rolled up,
 * and its marker purged.
 */
const controlPlane = (cluster: string): readonly string[] => [
  `decklog.${cluster}.>`,
  '$JS.API.INFO',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.LIST',
  '$JS.API.STREAM.CREATE.*',
  ...ADJUSTABLE.map((stream) => `$JS.API.STREAM.UPDATE.decklog_${cluster}_${stream}`),
  ...reading('*'),
  '$JS.API.CONSUMER.>',
  '$JS.ACK.>',
  '$JS.FC.>',
  `$KV.decklog_${cluster}_keys.>`,
  `$JS.API.STREAM.UPDATE.KV_decklog_${cluster}_keys`,
  `$JS.API.STREAM.PURGE.KV_decklog_${cluster}_keys`,
  `$KV.decklog_${cluster}_leases.>`,
];

/** Reads the cluster's streams, marks `state` as archived, and deletes messages of `state`: one by one, never a subject or the stream. */
const archiver = (cluster: string): readonly string[] => {
  const state = `decklog_${cluster}_state`;
  return [
    ...['lease', 'event'].map((stream) => `$JS.API.STREAM.INFO.decklog_${cluster}_${stream}`),
    ...reading(state),
    markSubject(cluster, 'state'),
    ...['CREATE', 'MSG.NEXT', 'DELETE'].map((what) => `$JS.API.CONSUMER.${what}.${state}.>`),
    `$JS.API.STREAM.UPDATE.${state}`,
    `$JS.API.STREAM.MSG.DELETE.${state}`,
  ];
};

/** What a backup holds: every stream, and the bucket with the keys of Secrets. */
const backedUpStreams = (cluster: string): readonly string[] => [
  ...['state', 'lease', 'event', 'audit', 'checkpoint', 'sink'].map((stream) => `decklog_${cluster}_${stream}`),
  `KV_decklog_${cluster}_keys`,
];

const backup = (cluster: string): readonly string[] => [
  ...backedUpStreams(cluster).flatMap((name) => [`$JS.API.STREAM.INFO.${name}`, `$JS.API.STREAM.SNAPSHOT.${name}`]),
  '$JS.SNAPSHOT.ACK.>',
];

/** The server itself refuses to restore a stream that is there. */
const restorer = (cluster: string): readonly string[] => [
  ...backedUpStreams(cluster).map((name) => `$JS.API.STREAM.RESTORE.${name}`),
  '$JS.SNAPSHOT.RESTORE.>',
  ...['state', 'lease', 'event'].map((stream) => `decklog.${cluster}.${stream}.skip`),
];

/** Makes a stream where it is missing, and reads it: that it is as it should be, single messages, and all of it in order. */
const using = (name: string): readonly string[] => [
  `$JS.API.STREAM.CREATE.${name}`,
  ...reading(name),
  `$JS.API.CONSUMER.CREATE.${name}`,
  ...['CREATE', 'MSG.NEXT', 'INFO', 'DELETE'].map((what) => `$JS.API.CONSUMER.${what}.${name}.>`),
];

const streamsOf = (cluster: string, ...names: readonly string[]): readonly string[] => names.map((name) => `decklog_${cluster}_${name}`);

/** What every process of the control plane does: it looks at the three streams of the log, and asks most servers where they end. */
const service = (cluster: string): readonly string[] => [
  '$JS.API.INFO',
  ...STREAMS.map((stream) => markSubject(cluster, stream)),
  ...streamsOf(cluster, 'state', 'lease', 'event').flatMap(using),
  ...streamsOf(cluster, 'checkpoint').flatMap(reading),
];

/** Appends events, and reads the keys of Secrets; the key that says whether the sealing key is the right one is made by who comes first. */
const appending = (cluster: string): readonly string[] => [
  ...service(cluster),
  ...['state', 'lease', 'event'].map((stream) => `decklog.${cluster}.${stream}.>`),
  ...using(`KV_decklog_${cluster}_keys`),
  `$KV.decklog_${cluster}_keys.check`,
  '$JS.FC.>',
];

/** Shares the work with its like: keeps up a lease. */
const controller = (cluster: string): readonly string[] => [
  ...appending(cluster),
  ...using(`KV_decklog_${cluster}_leases`),
  `$KV.decklog_${cluster}_leases.>`,
];

/** The one that says how long Kubernetes Events are kept, records refusals, and makes keys of Secrets. */
const apiserver = (cluster: string): readonly string[] => [
  ...appending(cluster),
  `$JS.API.STREAM.UPDATE.decklog_${cluster}_event`,
  ...streamsOf(cluster, 'audit').flatMap((name) => [...using(name), `$JS.API.STREAM.UPDATE.${name}`]),
  `decklog.${cluster}.audit.>`,
  `$KV.decklog_${cluster}_keys.>`,
];

/** Destroys the keys of Secrets that are gone: each is rolled up by its marker, and markers are purged. */
const lifecycle = (cluster: string): readonly string[] => [
  ...controller(cluster),
  `$KV.decklog_${cluster}_keys.>`,
  `$JS.API.STREAM.PURGE.KV_decklog_${cluster}_keys`,
];

/** Appends nothing but checkpoints, and how far each sink has come: neither keys nor events are any of its business. */
const projector = (cluster: string): readonly string[] => [
  ...service(cluster),
  ...streamsOf(cluster, 'audit', 'checkpoint', 'sink').flatMap((name) => [...using(name), `$JS.API.STREAM.UPDATE.${name}`]),
  `decklog.${cluster}.checkpoint.>`,
  `decklog.${cluster}.sink.>`,
];

const PUBLISHABLE: Readonly<Record<LogUser, (cluster: string) => readonly string[]>> = {
  'control-plane': controlPlane,
  apiserver,
  projector,
  scheduler: controller,
  replication: controller,
  endpoints: controller,
  serviceaccounts: controller,
  lifecycle,
  archiver,
  backup,
  restorer,
};

/**
 * The subjects that a user of the log's server may publish to: what is not listed is refused. To purge a stream, or to
 * delete one, is nobody's; to delete messages is the archiver's, of `state` alone.
 */
export const publishable = (cluster: string, user: LogUser): readonly string[] => [...new Set(PUBLISHABLE[user](cluster))];

/** The subjects that any of them may subscribe to: answers to what it asked. */
export const SUBSCRIBABLE: readonly string[] = ['_INBOX.>'];
