import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestAuthority } from './pki.js';

/** What a webhook is asked, as far as specs look at it. */
export interface TestReview {
  readonly apiVersion: string;
  readonly request: {
    readonly uid: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly operation: string;
    readonly dryRun?: boolean;
    readonly userInfo: { readonly username: string };
    readonly kind: { readonly kind: string };
    readonly resource: { readonly group: string; readonly resource: string };
    readonly requestResource: { readonly group: string; readonly resource: string };
    readonly object: {
      readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
      readonly data?: Readonly<Record<string, string>>;
    } | null;
    readonly oldObject: object | null;
  };
}

/** How a webhook answers: a response (its uid is filled in), a whole body, a status code, or not at all. */
export type TestResponse =
  { readonly response: Readonly<Record<string, unknown>> } | { readonly body: string; readonly code?: number } | 'never';

/** A webhook that listens on a loopback port. `answers` by path; what it was asked is kept. */
export interface TestWebhook {
  readonly port: number;
  readonly asked: { readonly path: string; readonly review: TestReview }[];
  readonly answers: Map<string, (review: TestReview) => TestResponse>;
  /** How many connections were made to it. */
  connections(): number;
  /** base64 of the PEM of its authority. */
  readonly caBundle: string;
  close(): Promise<void>;
}

/** A patch as a webhook's answer carries it. */
export const patchOf = (operations: readonly object[]): { readonly patchType: 'JSONPatch'; readonly patch: string } => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** Starts a webhook with a certificate for 127.0.0.1 and the host names given. */
export async function startTestWebhook(authority: TestAuthority, hosts: readonly string[] = []): Promise<TestWebhook> {
  const pair = await authority.issue('webhook', { addresses: ['127.0.0.1'], hosts });
  let connections = 0;
  const asked: TestWebhook['asked'] = [];
  const answers: TestWebhook['answers'] = new Map();
  const server = createServer(pair, (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const path = new URL(request.url ?? '/', 'https://x').pathname;
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as TestReview;
      asked.push({ path, review });
      const made = answers.get(path)?.(review) ?? { response: { allowed: true } };
      if (made === 'never') return;
      const {
        apiVersion,
        request: { uid },
      } = review;
      const body =
        'body' in made ? made.body : JSON.stringify({ kind: 'AdmissionReview', apiVersion, response: { uid, ...made.response } });
      answer.writeHead('body' in made ? (made.code ?? 200) : 200, { 'content-type': 'application/json' }).end(body);
    });
  });
  server.on('secureConnection', () => void connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    answers,
    connections: () => connections,
    caBundle: Buffer.from(authority.cert).toString('base64'),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
