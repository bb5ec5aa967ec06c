import { connectAudit, connectLog, connectPostgres, Projector } from '#libs/adapters';
import { auditLimits, createLogger, type ControlPlaneConfig, type HostedService } from '#libs/platform';
import { MIGRATIONS } from '#migrations';

/** Carries the log, as it is stored, and the audit stream into Postgres. It needs no cache and no keys. */
export class ProjectorService implements HostedService {
  readonly name = 'projector';
  private readonly stopping = new AbortController();
  private close: () => Promise<void> = async () => {};
  private running: Promise<void> | undefined;

  /** `onFailure` is told when the projection can't go on: the log was rolled back, or holds what can't be projected. */
  constructor(
    private readonly config: ControlPlaneConfig,
    private readonly onFailure: () => void,
  ) {}

  get ready(): boolean {
    return this.running !== undefined;
  }

  async start(): Promise<void> {
    const { natsUrl, postgresUrl, cluster, logLevel, eventAgeDays } = this.config;
    const logger = createLogger(this.name, logLevel);
    const log = await connectLog({ url: natsUrl, cluster, name: this.name });
    const audit = await connectAudit({ url: natsUrl, cluster, name: `${this.name}-audit`, ...auditLimits(this.config) });
    const dataSource = await connectPostgres({ url: postgresUrl, cluster, migrations: MIGRATIONS, poolSize: 4 });
    this.close = async () => {
      await log.close();
      await audit.close();
      await dataSource.destroy();
    };
    this.running = new Projector({ log, audit, dataSource, logger, eventAgeDays }).run(this.stopping.signal).catch((error: unknown) => {
      logger.error('the projection can not go on', error);
      this.onFailure();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.close();
  }
}
