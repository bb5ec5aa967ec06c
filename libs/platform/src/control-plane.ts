import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import {
  checkHistory,
  CheckpointStream,
  checkpointVerifier,
  connectAudit,
  connectKeyStore,
  connectLog,
  connectMembership,
  connectPostgres,
  connectWholeLog,
  KeyDestruction,
  Keyring,
  PostgresHistory,
  PostgresSnapshotSource,
  ProjectedLog,
  SealedLog,
  type CheckOptions,
  type KeyStore,
  type LogObserver,
  type LogSigns,
} from '#libs/adapters';
import { DEFINITIONS } from '#libs/api';
import type { AuditStream, EventLog, Lost } from '#libs/log';
import { MIGRATIONS } from '#migrations';
import {
  HttpsWebhookCaller,
  NO_METRICS,
  Sharing,
  StateCache,
  WHOLE,
  type Conditions,
  WritePathEngine,
  type Metrics,
  type PastReader,
  type Logger,
  type Share,
  type SharingOptions,
  type StateView,
  type World,
  type WebhookCaller,
  TracedLog,
  type Tracing,
  type TransactionPath,
} from '#libs/runtime';
import { openClock, type Clock } from './clock.js';
import type { ControlPlaneConfig } from './config.js';
import { showBuild, showCache, showShare } from './plane-metrics.js';
import { observerOf, openConditions, watchServers } from './watched-servers.js';
import { createLogger, PROCESS_METRICS, Tracer, type ProcessMetrics } from '#libs/process';

/** What every app of the control plane stands on: one log, one cache, one write path, one database. */
export interface ControlPlane {
  readonly config: ControlPlaneConfig;
  readonly logger: Logger;
  readonly metrics: ProcessMetrics;
  /** Told of what happens; undefined: traces are off. */
  readonly tracing: Tracing | undefined;
  /** What is wrong with what this process stands on. */
  readonly conditions: Conditions;
  readonly world: World;
  /** What `world` has its time of, and controllers their delays. */
  readonly clock: Clock;
  /** The log with Secrets opened. */
  readonly log: EventLog;
  /** Where requests that are no events are recorded. */
  readonly audit: () => Promise<AuditStream>;
  /** Destroys the keys of deleted Secrets, a grace after their end. */
  readonly keyDestruction: KeyDestruction;
  readonly history: PastReader;
  readonly view: StateView;
  /** What a cluster that is gone, whose backup this one is of, may have given out. */
  readonly lost: Lost;
  readonly writePath: TransactionPath;
  /** Calls webhooks: of admission, and of versions of custom resources. */
  readonly caller: WebhookCaller;
  /** A file of the cluster's key material, as text. */
  pki(name: string): string;
  /** This process's share of a service's work: all of it, where no replica is named. */
  share(service: string): Promise<SharedWork>;
  close(): Promise<void>;
}

/** A share of a service's work, from the joining to the leaving. */
export interface SharedWork {
  readonly share: Share;
  /** Hands over what is under way. */
  leave(): Promise<void>;
}

/** Where nodes are simulated nothing runs behind an address, and what does belongs to somebody else. */
const NO_WEBHOOKS = {
  call: () => Promise.resolve({ failure: 'no webhook is called in a cluster whose nodes are simulated' }),
  close: () => undefined,
};

/** The processes that say how long Kubernetes Events are kept: no other may change what a stream forgets. */
const LIMITING: readonly string[] = ['apiserver', 'standalone'];

/** The build that decides: kept with every event a controller causes. */
export const BUILD = '0.1.0';

/** Connects, loads the cache and catches up with the log. Rejects where the log or the database can't be reached. */
export async function openControlPlane(config: ControlPlaneConfig, component: string): Promise<ControlPlane> {
  const logger = createLogger(component, config.logLevel);
  const clock = openClock(config.clockFile, logger);
  const world: World = { now: clock.now, random: Math.random, uuid: randomUUID };
  const tracing = openTracing(config, component, logger);
  const stopping = new AbortController();
  const conditions = openConditions(logger, PROCESS_METRICS);
  const database = await connectPostgres({ url: config.postgresUrl, cluster: config.cluster, migrations: MIGRATIONS });
  const lost = await checkedHistory(config, component, database);
  const { log, keys, keyring, signs } = await openLog(config, component, {
    ...(LIMITING.includes(component) ? { eventAgeMs: config.eventAgeDays * DAY_MS } : {}),
    observer: observerOf(conditions),
    over: (beneath) => {
      const projected = new ProjectedLog(beneath, database, config.cluster);
      return tracing ? new TracedLog(projected, tracing) : projected;
    },
    metrics: PROCESS_METRICS,
  });
  const view = await StateCache.start({
    log,
    snapshots: new PostgresSnapshotSource(database, keyring),
    definitions: DEFINITIONS,
    conditions,
    logger,
    signal: stopping.signal,
    onOvertaken: (error) => {
      logger.error('what this process has not seen was archived: it has to start again', error);
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    },
  });
  const history = new PostgresHistory(database, keyring);
  const watching = watchServers({ conditions, signs, projected: () => history.position('state'), steady: () => performance.now() });
  const { serviceCidr, nodePorts, clusterDomain, cluster } = config;
  const caller = config.simulationFile === undefined ? new HttpsWebhookCaller(view) : NO_WEBHOOKS;
  const settings = { serviceCidr, nodePorts, clusterDomain };
  showBuild(PROCESS_METRICS, component, BUILD);
  showCache(PROCESS_METRICS, view);
  const writePath = new WritePathEngine({ log, view, world, cluster, settings, caller });
  return {
    config,
    logger,
    metrics: PROCESS_METRICS,
    tracing,
    conditions,
    world,
    clock,
    log,
    audit: () => connectAudit({ ...logPlaceOf(config), name: `${component}-audit`, ...auditLimits(config) }),
    keyDestruction: new KeyDestruction({ store: keys, log, view, world, logger, graceMs: config.secretKeyGraceHours * HOUR_MS }),
    history,
    view,
    lost,
    writePath,
    caller,
    pki: pkiReader(config),
    share: (service) => joined(config, service, { log, view, world, timers: clock.timers, logger }),
    close: async () => {
      stopping.abort(new Error('the process is stopping'));
      watching.stop();
      clock.stop();
      caller.close();
      await log.close();
      await tracing?.close();
      await database.destroy();
    },
  };
}

/** Where traces go, if anywhere. */
function openTracing({ traces, cluster, replica }: ControlPlaneConfig, component: string, logger: Logger): Tracer | undefined {
  if (traces === undefined) return undefined;
  const instance = replica ?? `${component}-${process.pid}`;
  return new Tracer({ ...traces, cluster, service: component, instance, version: BUILD, metrics: PROCESS_METRICS, logger });
}

/** Takes part in a service's work, as one replica of several or alone. */
async function joined(
  config: ControlPlaneConfig,
  service: string,
  sources: Pick<SharingOptions, 'log' | 'view' | 'world' | 'timers' | 'logger'>,
): Promise<SharedWork> {
  const { cluster, replica, shards } = config;
  if (replica === undefined) return { share: WHOLE, leave: showShare(PROCESS_METRICS, service, WHOLE, () => WHOLE.shards) };
  const membership = await connectMembership({ ...logPlaceOf(config), service, replica, agreed: `${shards} shards` });
  const sharing = new Sharing({ ...sources, cluster, service, shards, membership });
  sharing.start();
  const unshown = showShare(PROCESS_METRICS, service, sharing, () => sharing.count);
  return { share: sharing, leave: () => sharing.stop().finally(unshown) };
}

/** Nobody serves from a history that was rolled back or altered. Throws HistoryAltered, which says where; what of it was lost otherwise is given back. */
async function checkedHistory(config: ControlPlaneConfig, component: string, dataSource: CheckOptions['dataSource']): Promise<Lost> {
  const { checkpointFile, pkiDir } = config;
  const place = { ...logPlaceOf(config), name: `${component}-check` };
  const log = await connectLog(place);
  try {
    const checkpoints = await CheckpointStream.connect({ ...place, readOnly: true });
    try {
      const publicKey = path.join(pkiDir, 'checkpoint.pub');
      const isSigned = existsSync(publicKey) ? { isSigned: checkpointVerifier(readFileSync(publicKey, 'utf8')) } : {};
      const file = checkpointFile === undefined ? {} : { file: checkpointFile };
      await checkHistory({ log, dataSource, checkpoints, ...file, ...isSigned });
      return await log.lost();
    } finally {
      await checkpoints.close();
    }
  } finally {
    await log.close();
  }
}

/** Where a process's log is, whose it is, and how many copies of it there are. */
export const logPlaceOf = ({
  natsUrl,
  cluster,
  logReplicas,
}: Pick<ControlPlaneConfig, 'natsUrl' | 'cluster' | 'logReplicas'>): {
  readonly url: string;
  readonly cluster: string;
  readonly replicas: number;
} => ({ url: natsUrl, cluster, replicas: logReplicas });

/** How a log is to be opened. */
export interface OpenLogOptions {
  /** How long Kubernetes Events are kept from now on; absent: as they are. */
  readonly eventAgeMs?: number;
  /** The folder of what was archived, which is then read, too. */
  readonly archive?: string;
  /** Where appends are counted; nowhere unless set. */
  readonly metrics?: Metrics;
  /** Put over the log as it is stored. */
  readonly over?: (beneath: EventLog) => EventLog;
  /** Told how the log is doing. */
  readonly observer?: LogObserver;
}

/** An open log, and what it stands on. */
export interface OpenLog {
  /** With Secrets opened; closing it closes all of it. */
  readonly log: EventLog;
  readonly keys: KeyStore;
  readonly keyring: Keyring;
  /** Signs of life of the log's server. Rejects where there are none in time. */
  readonly signs: (timeoutMs: number) => Promise<LogSigns>;
}

/** Opens a control plane's log and the keys of its Secrets. */
export async function openLog(
  config: Pick<ControlPlaneConfig, 'natsUrl' | 'cluster' | 'logReplicas' | 'sealingKeyFile'>,
  component: string,
  { eventAgeMs, archive, metrics = NO_METRICS, observer, over = (beneath) => beneath }: OpenLogOptions = {},
): Promise<OpenLog> {
  const given = { ...(eventAgeMs === undefined ? {} : { eventAgeMs }), ...(observer === undefined ? {} : { observer }) };
  const where = { ...logPlaceOf(config), name: component, metrics, ...given };
  const stored = archive === undefined ? await connectLog(where) : await connectWholeLog({ ...where, archive });
  const keys = await connectKeyStore(logPlaceOf(config));
  const keyring = await Keyring.open(keys, () => readFileSync(config.sealingKeyFile));
  return { log: new SealedLog(over(stored), keyring), keys, keyring, signs: (timeoutMs) => stored.signs(timeoutMs) };
}

/** Reads a file of the cluster's key material, as text. */
export const pkiReader =
  ({ pkiDir }: Pick<ControlPlaneConfig, 'pkiDir'>): ((name: string) => string) =>
  (name) =>
    readFileSync(path.join(pkiDir, name), 'utf8');

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;

/** How much the audit stream keeps, as the settings say. */
export const auditLimits = ({
  auditMaxMiB,
  auditMaxDays,
}: ControlPlaneConfig): { readonly maxBytes: number; readonly maxAgeMs: number } => ({
  maxBytes: auditMaxMiB * MIB,
  maxAgeMs: auditMaxDays * DAY_MS,
});
