import { CERTIFICATESIGNINGREQUESTS, type CertificateSigningRequest } from '#libs/api';
import { StatusError } from '#libs/apimachinery';
import { decideSigning } from '#libs/controllers';
import type { HostedService } from '#libs/platform';
import { WorkQueue, systemTimers, type Logger, type StateView, type World, type WritePath } from '#libs/runtime';
import { CertificateAuthority, type AuthorityPair } from './certificate-authority.js';

const ACTOR = { user: 'system:serviceaccount:kube-system:certificate-controller' };
const NAME = 'certificatesigningrequest-signing-controller';
const BACKOFF = { firstMs: 200, mostMs: 1_000_000 };

/** What the signer works with. */
export interface SignerSources {
  readonly view: StateView;
  readonly writePath: WritePath;
  readonly world: World;
  readonly logger: Logger;
}

/**
 * Carries out what is decided about certificate signing requests: signs with the cluster's authority, one request at a
 * time, and writes the certificate to the request's status. Replicas may sign the same request: the log takes the first.
 */
export class CertificateSigner implements HostedService {
  readonly name = NAME;
  private readonly queue: WorkQueue<true>;
  private authority: CertificateAuthority | undefined;
  private stopListening: (() => void) | undefined;
  private working: Promise<void> | undefined;

  constructor(
    private readonly sources: SignerSources,
    private readonly pair: AuthorityPair,
  ) {
    const { now } = sources.world;
    this.queue = new WorkQueue({ timers: systemTimers, now, backoff: BACKOFF, merge: () => true, onReady: () => this.wake() });
  }

  get ready(): boolean {
    return this.stopListening !== undefined;
  }

  async start(): Promise<void> {
    const { view } = this.sources;
    this.authority = await CertificateAuthority.open(this.pair);
    this.stopListening = view.subscribe(({ type, resource, entry }) => {
      const ours = resource.resource === CERTIFICATESIGNINGREQUESTS.resource && resource.group === CERTIFICATESIGNINGREQUESTS.group;
      if (ours && type !== 'Deleted') this.queue.add(entry.name, true);
    });
    for (const { metadata } of view.list(CERTIFICATESIGNINGREQUESTS)) this.queue.add(metadata.name ?? '', true);
  }

  async stop(): Promise<void> {
    this.stopListening?.();
    this.stopListening = undefined;
    this.queue.close();
    await this.working;
  }

  private wake(): void {
    this.working ??= this.work().finally(() => {
      this.working = undefined;
      if (this.queue.size > 0) this.wake();
    });
  }

  private async work(): Promise<void> {
    // The key that made the queue ready is added only after this is called.
    await Promise.resolve();
    for (let taken = this.queue.take(); taken !== undefined; taken = this.queue.take()) {
      const { key } = taken;
      try {
        await this.handle(key);
        this.queue.forget(key);
      } catch (error) {
        this.retry(key, error);
      } finally {
        this.queue.done(key);
      }
    }
  }

  /** A race is lost to somebody who has changed the request, and that change wakes it again. */
  private retry(key: string, error: unknown): void {
    const raced = error instanceof StatusError && (error.reason === 'Conflict' || error.reason === 'NotFound');
    if (!raced) this.sources.logger.error('a certificate signing request could not be handled', error, { name: key });
    if (!raced || error.reason === 'Conflict') this.queue.addWithBackoff(key, true);
  }

  private async handle(name: string): Promise<void> {
    const { view, world, logger } = this.sources;
    const csr = view.get(CERTIFICATESIGNINGREQUESTS, undefined, name) as CertificateSigningRequest | undefined;
    if (!csr || !this.authority) return;
    const decided = decideSigning(csr, world.now());
    if (decided.decision === 'nothing') return;
    if (decided.decision === 'fail') return this.write(decided.failed);
    const request = Buffer.from(csr.spec.request, 'base64').toString('utf8');
    const certificate = Buffer.from(await this.authority.sign(request, decided.order)).toString('base64');
    await this.write({ ...csr, status: { ...csr.status, certificate } });
    logger.info('signed a certificate', { request: name, signer: csr.spec.signerName });
  }

  private async write(object: CertificateSigningRequest): Promise<void> {
    const { view, writePath } = this.sources;
    const definition = view.catalog.current.definitionOf(CERTIFICATESIGNINGREQUESTS);
    if (!definition) throw new Error('certificate signing requests are not served');
    const { name = '' } = object.metadata;
    const requester = { actor: ACTOR, agent: NAME, fieldManager: NAME };
    await writePath.execute({ verb: 'update', definition, subresource: 'status', name, object, options: {}, requester });
  }
}
