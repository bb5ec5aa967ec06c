import type { HostedService } from '#libs/platform';

/** Several services of one app as one: they start in order and stop in the reverse order. */
export class IdentitiesService implements HostedService {
  readonly name = 'serviceaccounts';

  constructor(private readonly parts: readonly HostedService[]) {}

  get ready(): boolean {
    return this.parts.every(({ ready }) => ready);
  }

  async start(): Promise<void> {
    for (const part of this.parts) await part.start();
  }

  async stop(): Promise<void> {
    for (const part of [...this.parts].reverse()) await part.stop();
  }
}
