import { get } from 'node:https';
import { connect, type Socket } from 'node:net';

/** An address of loopback or of another machine. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One that takes longer is asked no more. */
const CONNECT_MS = 1_000;
const ANSWER_MS = 2_000;

/** One API server behind the balancer, and the connections that go there. */
export class Backend {
  isUp = false;
  /** How often in a row it has answered that it is not ready. */
  unready = 0;
  private readonly sockets = new Set<Socket>();

  constructor(
    readonly address: Address,
    private readonly ca: string,
  ) {}

  get connections(): number {
    return this.sockets.size;
  }

  /** A connection to the server; undefined where it takes none. */
  open(): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const socket = connect(this.address);
      const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
      socket.once('connect', () => {
        clearTimeout(timer);
        this.sockets.add(socket);
        socket.setNoDelay(true);
        resolve(socket);
      });
      socket.once('close', () => {
        clearTimeout(timer);
        this.sockets.delete(socket);
        resolve(undefined);
      });
      socket.on('error', () => socket.destroy());
    });
  }

  /** Asks whether the server is ready. The connections of one that does not answer are ended: their clients find another. */
  async check(): Promise<void> {
    const status = await this.readiness();
    this.isUp = status === 200;
    this.unready = this.isUp || status === undefined ? 0 : this.unready + 1;
    if (status === undefined) this.close();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** The status of its answer; undefined where none comes. */
  private readiness(): Promise<number | undefined> {
    return new Promise((resolve) => {
      const request = get({ ...this.address, path: '/readyz', ca: this.ca, agent: false, timeout: ANSWER_MS }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(undefined));
    });
  }
}
