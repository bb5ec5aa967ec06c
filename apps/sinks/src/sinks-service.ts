import { readFileSync } from 'node:fs';
import {
  alone,
  connectAudit,
  connectLog,
  connectPostgres,
  pause,
  PostgresHistory,
  SinkPositions,
  SinkPublisher,
  WITHOUT_KEYS,
} from '#libs/adapters';
import { logPlaceOf, createLogger, type ControlPlaneConfig, type HostedService } from '#libs/platform';
import { MIGRATIONS } from '#migrations';
import { FileTarget } from './file-target.js';
import { Sink, type SinkSources } from './sink.js';
import { parseSinks, type SinkSettings } from './sinks-file.js';
import type { Target } from './target.js';
import { WebhookTarget } from './webhook-target.js';

/** Beside the locks of the streams and of checkpoints. */
const LOCK = 18;
/** What failed as a whole is tried again this much later. */
const AGAIN_MS = 1_000;

/** Carries the audit trail to wherever the file of sinks says, one process at a time. It has no keys: no Secret can leave by it. */
export class SinksService implements HostedService {
  readonly name = 'sinks';
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private close: () => Promise<void> = async () => {};
  private started = false;

  constructor(private readonly config: ControlPlaneConfig) {}

  get ready(): boolean {
    return this.started;
  }

  /** Throws where the file of sinks is wrong. */
  async start(): Promise<void> {
    const { sinksFile } = this.config;
    this.started = true;
    if (sinksFile === undefined) return;
    const sinks = parseSinks(readFileSync(sinksFile, 'utf8'));
    if (sinks.length > 0) await this.run(sinks);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.close();
  }

  private async run(sinks: readonly SinkSettings[]): Promise<void> {
    const { postgresUrl, cluster, logLevel } = this.config;
    const place = logPlaceOf(this.config);
    const logger = createLogger(this.name, logLevel);
    const log = await connectLog({ ...place, name: this.name });
    const audit = await connectAudit({ ...place, name: `${this.name}-audit`, readOnly: true });
    const positions = await SinkPositions.connect(place);
    const dataSource = await connectPostgres({ url: postgresUrl, cluster, migrations: MIGRATIONS, poolSize: 2 });
    this.close = async () => {
      await Promise.all([log.close(), audit.close(), positions.close()]);
      await dataSource.destroy();
    };
    const sources: SinkSources = { log, audit, positions, history: new PostgresHistory(dataSource, WITHOUT_KEYS), logger };
    const { signal } = this.stopping;
    const work = async (held: AbortSignal): Promise<void> => {
      await Promise.all(sinks.map((sink) => new Sink(sink, targetOf(sink), sources).run(held)));
    };
    this.running = (async () => {
      while (!signal.aborted) {
        await alone(dataSource, LOCK, signal, work).catch((error: unknown) => {
          if (!signal.aborted) logger.warn('sinks do not run just now', { error: String(error) });
          return pause(AGAIN_MS, signal);
        });
      }
    })();
  }
}

function targetOf({ file, webhook, nats, format }: SinkSettings): Target {
  if (file !== undefined) return new FileTarget(file);
  if (webhook !== undefined) return new WebhookTarget(webhook, format);
  if (nats === undefined) throw new TypeError('a sink without a target');
  const publisher = new SinkPublisher(readFileSync(nats.urlFile, 'utf8').trim(), nats.subject, nats.acknowledged);
  return { deliver: (entries) => publisher.publish(entries), close: () => publisher.close() };
}
