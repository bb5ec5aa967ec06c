import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  checkpointSigner,
  CheckpointKeeper,
  CheckpointStream,
  connectAudit,
  connectLog,
  connectPostgres,
  ProjectionLag,
  Projector,
  type KeeperOptions,
  scrubHistory,
} from '#libs/adapters';
import {
  auditLimits,
  BUILD,
  createLogger,
  logPlaceOf,
  openConditions,
  showBuild,
  type ControlPlaneConfig,
  type HostedService,
} from '#libs/platform';
import { PROCESS_METRICS } from '#libs/process';
import type { Condition, Conditions } from '#libs/runtime';
import { MIGRATIONS } from '#migrations';

/**
 * Carries the log, as it is stored, and the audit stream into Postgres, signs where they stand, and reads again what was carried
 * before. It needs no cache and no keys of Secrets.
 */
export class ProjectorService implements HostedService {
  readonly name = 'projector';
  private readonly stopping = new AbortController();
  private close: () => Promise<void> = async () => {};
  private running: Promise<void> | undefined;
  private known: Conditions | undefined;

  /**
   * `onFailure` is told when the projection can't go on: the log was rolled back or altered, or holds what can't be projected;
   * `onCondition` of what is wrong that may pass.
   */
  constructor(
    private readonly config: ControlPlaneConfig,
    private readonly onFailure: () => void,
    private readonly onCondition: (condition: Condition) => void = () => undefined,
  ) {}

  conditions(): readonly Condition[] {
    return this.known?.all ?? [];
  }

  get ready(): boolean {
    return this.running !== undefined;
  }

  async start(): Promise<void> {
    const { config } = this;
    const { postgresUrl, cluster, logLevel, eventAgeDays, checkpointFile } = config;
    const logger = createLogger(this.name, logLevel);
    const conditions = (this.known = openConditions(logger, PROCESS_METRICS));
    conditions.onChange(this.onCondition);
    const place = logPlaceOf(config);
    const log = await connectLog({ ...place, name: this.name });
    const audit = await connectAudit({ ...place, name: `${this.name}-audit`, ...auditLimits(config) });
    const checkpoints = await CheckpointStream.connect({ ...place, name: `${this.name}-checkpoints` });
    const dataSource = await connectPostgres({ url: postgresUrl, cluster, migrations: MIGRATIONS, poolSize: 4 });
    this.close = async () => {
      await log.close();
      await audit.close();
      await checkpoints.close();
      await dataSource.destroy();
    };
    const file = checkpointFile === undefined ? {} : { file: checkpointFile };
    const { signal } = this.stopping;
    const keeping = this.keeper({ cluster, dataSource, stream: checkpoints, world: { now: Date.now }, logger, ...file });
    const scrubbing = { log, dataSource, checkpoints, logger };
    const projector = new Projector({ log, audit, dataSource, logger, eventAgeDays, conditions, metrics: PROCESS_METRICS });
    const lag = new ProjectionLag(log, projector, logger);
    lag.showIn(PROCESS_METRICS);
    showBuild(PROCESS_METRICS, this.name, BUILD);
    this.running = Promise.all([projector.run(signal), lag.run(signal), keeping?.run(signal), scrubHistory(scrubbing, signal)]).then(
      () => undefined,
      (error: unknown) => {
        logger.error('the projection can not go on', error);
        this.stopping.abort();
        this.onFailure();
      },
    );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.close();
  }

  /** Without a key nothing is signed: a cluster of before has none until it is started anew. */
  private keeper(options: Omit<KeeperOptions, 'sign'>): CheckpointKeeper | undefined {
    const key = path.join(this.config.pkiDir, 'checkpoint.key');
    if (existsSync(key)) return new CheckpointKeeper({ ...options, sign: checkpointSigner(readFileSync(key, 'utf8')) });
    options.logger.warn('checkpoints are not signed: there is no key', { key });
    return undefined;
  }
}
