/** Who talks to the log's server, each with credentials of its own. */
export type LogUser =
  /** All processes of the control plane, and the commands that read the log. */
  | 'control-plane'
  /** `decklog archive`: the one who may remove messages, and who may append none. */
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
  ...backedUpStreams(cluster).map((name) => `$JS.API.STREAM.SNAPSHOT.${name}`),
  '$JS.SNAPSHOT.ACK.>',
];

/** The server itself refuses to restore a stream that is there. */
const restorer = (cluster: string): readonly string[] => [
  ...backedUpStreams(cluster).map((name) => `$JS.API.STREAM.RESTORE.${name}`),
  '$JS.SNAPSHOT.RESTORE.>',
  ...['state', 'lease', 'event'].map((stream) => `decklog.${cluster}.${stream}.skip`),
];

const PUBLISHABLE: Readonly<Record<LogUser, (cluster: string) => readonly string[]>> = {
  'control-plane': controlPlane,
  archiver,
  backup,
  restorer,
};

/**
 * The subjects that a user of the log's server may publish to: what is not listed is refused. To purge a stream, or to
 * delete one, is nobody's; to delete messages is the archiver's, of `state` alone.
 */
export const publishable = (cluster: string, user: LogUser): readonly string[] => PUBLISHABLE[user](cluster);

/** The subjects that any of them may subscribe to: answers to what it asked. */
export const SUBSCRIBABLE: readonly string[] = ['_INBOX.>'];
