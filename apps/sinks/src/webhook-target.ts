import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { SinkMessage } from '#libs/adapters';
import type { SinkSettings } from './sinks-file.js';
import type { Target } from './target.js';

/** A URL that entries are posted to: as an EventList of audit.k8s.io/v1, or one a line. */
export class WebhookTarget implements Target {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(
    private readonly settings: NonNullable<SinkSettings['webhook']>,
    private readonly format: SinkSettings['format'],
  ) {}

  deliver(entries: readonly SinkMessage[]): Promise<void> {
    const isAudit = this.format === 'audit';
    const texts = entries.map(({ text }) => text);
    const body = isAudit
      ? `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${texts.join(',')}]}`
      : `${texts.join('\n')}\n`;
    return this.post(Buffer.from(body), isAudit ? 'application/json' : 'application/x-ndjson');
  }

  async close(): Promise<void> {
    this.agent.destroy();
  }

  /** The files are read each time: a token is changed while it is in use. */
  private post(body: Buffer, contentType: string): Promise<void> {
    const { url, caFile, tokenFile, timeoutSeconds } = this.settings;
    const token = tokenFile === undefined ? {} : { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
    const ca = caFile === undefined ? {} : { ca: readFileSync(caFile) };
    const headers = { 'content-type': contentType, 'content-length': body.length, 'user-agent': 'decklog-sink', ...token };
    return new Promise((resolve, reject) => {
      const asked = request(url, { method: 'POST', agent: this.agent, headers, timeout: timeoutSeconds * 1_000, ...ca }, (answer) => {
        answer.resume();
        answer.on('error', reject);
        answer.on('end', () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode < 300) resolve();
          else reject(new Error(`the webhook answered ${statusCode}`));
        });
      });
      asked.on('timeout', () => asked.destroy(new Error(`the webhook did not answer in ${timeoutSeconds} s`)));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
