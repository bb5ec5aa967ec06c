import type { ContainerRuntime, LocalImage } from '#libs/node-adapters';
import type { Container, Pod } from '#libs/api';
import { goDuration, nextBackoff, type Backoff, type PodEvent } from '#libs/node';
import { registryCredentials } from './registry-credentials.js';
import type { ObjectSource } from './object-source.js';

/** A container's image is not there: what its status and events say. */
export class ImageError extends Error {
  override readonly name = 'ImageError';

  constructor(
    readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError',
    message: string,
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const PULLS_AT_ONCE = 2;
const RETRY_MS = 10_000;
const IMAGE_NAME = /^(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/;
const MAX_BACKOFFS = 1_000;

/** Gets images by their pull policy, in upstream's words. Pulls are few at once; failed ones back off per pod and image. */
export class ImagePuller {
  private readonly backoffs = new Map<string, Backoff>();
  private pulling = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly objects: ObjectSource,
  ) {}

  /** The image, present. Throws ImageError. `tell` hears what is to be recorded as Kubernetes Events. */
  async ensure(pod: Pod, container: Container, tell: (event: PodEvent) => void, signal: AbortSignal): Promise<LocalImage> {
    const name = container.image ?? '';
    const event = (type: PodEvent['type'], reason: string, message: string): void =>
      tell({ type, reason, message, container: container.name });
    if (!IMAGE_NAME.test(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format${lowercaseHint(name)}`;
      event('Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message, RETRY_MS);
    }
    const policy =
      container.imagePullPolicy ?? (/(:latest$|^[^:@]+$)/.test(name.slice(name.lastIndexOf('/') + 1)) ? 'Always' : 'IfNotPresent');
    const present = await this.runtime.image(name);
    if (present && policy !== 'Always') {
      event('Normal', 'Pulled', `Container image "${name}" already present on machine and can be accessed by the pod`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message, RETRY_MS);
    }
    return this.pull(pod, name, event, signal);
  }

  private async pull(
    pod: Pod,
    name: string,
    event: (type: PodEvent['type'], reason: string, message: string) => void,
    signal: AbortSignal,
  ): Promise<LocalImage> {
    const key = `${pod.metadata.uid ?? ''}_${name}`;
    event('Normal', 'Pulling', `Pulling image "${name}"`);
    const asked = Date.now();
    await this.enter();
    const began = Date.now();
    try {
      const auth = await registryCredentials(pod, name, this.objects);
      await this.runtime.pullImage(name, auth, signal);
      const image = await this.runtime.image(name);
      if (!image) throw new Error(`image ${name} is not there after it was pulled`);
      this.backoffs.delete(key);
      const ended = Date.now();
      event(
        'Normal',
        'Pulled',
        `Successfully pulled image "${name}" in ${goDuration(ended - began)} (${goDuration(ended - asked)} including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      return image;
    } catch (error) {
      const now = Date.now();
      const why = error instanceof Error ? error.message : String(error);
      const backoff = nextBackoff(this.backoffs.get(key), now, now);
      if (this.backoffs.size >= MAX_BACKOFFS) this.backoffs.clear();
      this.backoffs.set(key, backoff);
      event('Warning', 'Failed', `Failed to pull image "${name}": ${why}`);
      throw new ImageError('ErrImagePull', why, backoff.delayMs, { cause: error });
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.pulling < PULLS_AT_ONCE) this.pulling += 1;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  private leave(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.pulling -= 1;
  }
}

/** What the reference parser adds where capitals are what is wrong: the repository as it reads it, its host left out. */
function lowercaseHint(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const host = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const path = host ? rest.join('/') : rest.length === 0 ? `library/${name}` : name;
  const repository = path.split(':')[0] ?? '';
  return repository === repository.toLowerCase() ? '' : `: repository name (${repository}) must be lowercase`;
}
