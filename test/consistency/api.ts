import https from 'node:https';

/** What came back; code 0 where nothing did. */
export interface Answer {
  readonly code: number;
  readonly body: string;
}

/** Certificates of whoever asks. */
export interface Credentials {
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** How a request is made, besides its method and place. */
export interface AskOptions {
  readonly body?: unknown;
  readonly type?: string;
  /** The User-Agent. */
  readonly as?: string;
}

const SOCKETS = 64;
const LONGEST_LINE = 16 << 20;

/** One API server, at an address of its own. */
export class Api {
  readonly #agent: https.Agent;
  readonly #url: URL;

  constructor(
    readonly address: string,
    credentials: Credentials,
    private readonly patienceMs: number,
  ) {
    this.#url = new URL(address);
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: SOCKETS, ...credentials });
  }

  ask(method: string, place: string, { body, type = 'application/json', as = 'consistency' }: AskOptions = {}): Promise<Answer> {
    return new Promise((resolve) => {
      const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      // Node says nothing of the length of a DELETE's body by itself.
      const length = sent === undefined ? {} : { 'content-type': type, 'content-length': sent.length };
      const headers = { accept: 'application/json', 'user-agent': as, ...length };
      const request = https.request(new URL(place, this.#url), { method, agent: this.#agent, headers }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => done({ code: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() }));
        response.on('error', () => done({ code: 0, body: '' }));
      });
      const patience = setTimeout(() => request.destroy(new Error('no answer')), this.patienceMs);
      const done = (answer: Answer): void => {
        clearTimeout(patience);
        resolve(answer);
      };
      request.on('error', () => done({ code: 0, body: '' }));
      request.end(sent);
    });
  }

  /** The lines of a watch as they come, until it ends, breaks, or has had its time. Half a line at the end is none. */
  async lines(place: string, longestMs: number, line: (text: string) => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const headers = { accept: 'application/json', 'user-agent': 'consistency-watch' };
      const request = https.request(new URL(place, this.#url), { agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          if (text.length > LONGEST_LINE) request.destroy();
          for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
            const one = text.slice(0, end);
            text = text.slice(end + 1);
            if (!line(one)) return void request.destroy();
          }
        });
        response.on('error', done);
        response.on('close', done);
      });
      const patience = setTimeout(() => request.destroy(), longestMs);
      function done(): void {
        clearTimeout(patience);
        resolve();
      }
      request.on('error', done);
      request.on('close', done);
      request.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } }[];
}

/** The server and the credentials of a kubeconfig of one cluster, as `kubectl config view --raw --minify -o json` prints it. */
export function kubeconfigOf(text: string): { readonly server: string; readonly credentials: Credentials } {
  const { clusters, users } = JSON.parse(text) as Kubeconfig;
  const { cluster } = clusters[0] ?? {};
  const { user } = users[0] ?? {};
  if (!cluster || !user) throw new Error('a kubeconfig without cluster or user');
  const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
  const [ca, cert, key] = [cluster['certificate-authority-data'], user['client-certificate-data'], user['client-key-data']].map(bytes);
  if (!ca || !cert || !key) throw new Error('a kubeconfig without certificates');
  return { server: cluster.server, credentials: { ca, cert, key } };
}
