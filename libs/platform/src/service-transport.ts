import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { HostedService } from './hosted-service.js';

/**
 * Lets Nest start and stop an app's services as it would any microservice. No `@EventPattern` handlers:
 * controllers are level-based, so what wakes them is a key, not a message. Services start in order and stop in
 * the reverse order.
 */
export class ServiceTransport extends Server implements CustomTransportStrategy {
  constructor(private readonly services: readonly HostedService[]) {
    super();
  }

  override listen(ready: (error?: unknown) => void): void {
    this.startAll().then(() => ready(), ready);
  }

  override async close(): Promise<void> {
    for (const service of [...this.services].reverse()) await service.stop();
  }

  override on(): void {}

  override unwrap<T>(): T {
    return this.services as T;
  }

  private async startAll(): Promise<void> {
    for (const service of this.services) await service.start();
  }
}
