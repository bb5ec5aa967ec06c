import { StatusError } from '#libs/apimachinery';
import { PODS, type Pod, type PodStatus } from '#libs/api';
import type { ApiClient } from '#libs/client';
import { statusPatch } from '#libs/node';
import type { Logger } from '#libs/runtime';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Writes one pod's status: the newest wanted, one request at a time, and none where nothing differs. What came
 * back is what the next one is compared with.
 */
export class StatusWriter {
  private wanted: PodStatus | undefined;
  private known: Pod;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly client: ApiClient,
    private readonly logger: Logger,
    pod: Pod,
  ) {
    this.known = pod;
  }

  /** The pod as the API server is known to have it, ours or seen by the watch. */
  observe(pod: Pod): void {
    if (BigInt(pod.metadata.resourceVersion ?? 0) > BigInt(this.known.metadata.resourceVersion ?? 0)) this.known = pod;
  }

  write(status: PodStatus): void {
    this.wanted = status;
    this.running ??= this.drain().finally(() => {
      this.running = undefined;
    });
  }

  /** Resolves when what was wanted so far has been written or given up. */
  async flush(): Promise<void> {
    await this.running;
  }

  stop(): void {
    this.stopped = true;
    this.wanted = undefined;
  }

  private async drain(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (this.wanted && !this.stopped) {
      const status = this.wanted;
      const patch = statusPatch(this.known, status);
      if (!patch) {
        if (this.wanted === status) this.wanted = undefined;
        continue;
      }
      try {
        const { namespace, name = '' } = this.known.metadata;
        const answer = await this.client.patch<Pod>(PODS, namespace, name, patch, { subresource: 'status', type: 'strategic' });
        this.observe(answer);
        if (this.wanted === status) this.wanted = undefined;
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (error instanceof StatusError && isGone(error)) return this.stop();
        this.logger.warn('a pod status was not written yet', { pod: this.known.metadata.name, error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
      }
    }
  }
}

/** The pod is no more, or another has its name: a conflict that speaks of the uid. */
const isGone = ({ reason, message }: StatusError): boolean => reason === 'NotFound' || (reason === 'Conflict' && /uid/i.test(message));
