import { connect, headers, type NatsConnection } from 'nats';
import { serverOptions } from '../jetstream/server-url.js';

/** A message of a sink: its id lets a stream that keeps them leave out what comes twice. */
export interface SinkMessage {
  readonly id: string;
  readonly text: string;
}

/** Publishes messages on a NATS server: with `acknowledged` to a JetStream stream that says it has them, else as they are. */
export class SinkPublisher {
  private connection: NatsConnection | undefined;

  constructor(
    private readonly url: string,
    private readonly subject: string,
    private readonly acknowledged: boolean,
  ) {}

  /** Resolves when the server has all of them. Throws the client's error where it has not. */
  async publish(messages: readonly SinkMessage[]): Promise<void> {
    this.connection ??= await connect({
      ...serverOptions(this.url),
      name: 'decklog-sink',
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
    });
    const { connection } = this;
    if (this.acknowledged) {
      const stream = connection.jetstream();
      for (const { id, text } of messages) await stream.publish(this.subject, text, { msgID: id });
      return;
    }
    for (const { id, text } of messages) {
      const named = headers();
      named.set('Nats-Msg-Id', id);
      connection.publish(this.subject, text, { headers: named });
    }
    await connection.flush();
  }

  async close(): Promise<void> {
    await this.connection?.close();
    this.connection = undefined;
  }
}
