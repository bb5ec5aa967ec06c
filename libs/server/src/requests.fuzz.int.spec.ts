import { Agent, request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { BUILT_IN, type ResourceDefinition } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import {
  aConfigMap,
  aDeployment,
  aNamespace,
  aPod,
  aService,
  aServiceAccount,
  Dice,
  requestFor,
  startTestApiServer,
  type RawRequest,
  type TestApiServer,
} from '#libs/testing';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 80);
const REQUESTS = 100;
const AT_ONCE = 16;
/** No answer may take longer: nothing here waits for anything but the log in memory. */
const PATIENCE_MS = 5_000;
/** Upstream answers this one with a 500 of its own, and clients know the sentence. */
const UPSTREAMS_OWN = 'resourceVersion should not be set on objects to be created';

const MANIFESTS = [
  aConfigMap('a', { key: 'value' }),
  aDeployment('a'),
  aPod('a'),
  aService('a'),
  aServiceAccount('a'),
  aNamespace('a'),
].map((manifest: KubeObject): readonly [ResourceDefinition, object] => {
  const definition = BUILT_IN.definitionByKind(manifest.apiVersion, manifest.kind);
  if (!definition) throw new Error(`no definition of ${manifest.kind}`);
  return [definition, manifest];
});

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly text: string;
  readonly open: boolean;
}

describe('the API server, whatever it is asked', () => {
  let api: TestApiServer;
  let agent: Agent;
  beforeAll(async () => {
    api = await startTestApiServer({ options: { settings: { futureVersionWaitMs: 1 } } });
    agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca: api.authority.cert, cert: api.admin.cert, key: api.admin.key });
    await api.put(aNamespace('default'));
    await api.put(aServiceAccount('default'));
  });
  afterAll(async () => {
    agent.destroy();
    await api.close();
  });

  /** An answer to its end, or the beginning of one that has none: a watch. */
  const ask = ({ method, target, headers, body }: RawRequest): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpsRequest({ host: '127.0.0.1', port: api.server.port, agent, method, path: target, headers });
      const timer = setTimeout(() => asked.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
      asked.once('error', reject);
      asked.once('response', (response) => {
        const { statusCode: code = 0 } = response;
        const type = response.headers['content-type'] ?? '';
        const chunks: Buffer[] = [];
        const done = (open: boolean): void => {
          clearTimeout(timer);
          const bytes = Buffer.concat(chunks);
          const packed = response.headers['content-encoding'] === 'gzip';
          resolve({ code, type, text: (packed ? gunzipSync(bytes) : bytes).toString('utf8'), open });
          if (open) response.destroy();
        };
        if (code === 200 && response.headers['content-length'] === undefined && method === 'GET') return done(true);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done(false));
        response.once('error', reject);
      });
      asked.end(body);
    });

  /** What is wrong with an answer; undefined: nothing. */
  function wrongWith({ method }: RawRequest, { code, type, text, open }: Answer): string | undefined {
    if (open || method === 'HEAD') return code >= 500 ? `code ${code}` : undefined;
    const status = type.startsWith('application/json')
      ? (JSON.parse(text) as { kind?: string; code?: number; message?: string; reason?: string })
      : {};
    if (code >= 500) {
      if (status.message === UPSTREAMS_OWN || (code === 504 && text.includes('Too large resource version'))) return undefined;
      return `code ${code}: ${text.slice(0, 300)}`;
    }
    if (code < 400 || !type.startsWith('application/json')) return undefined;
    return status.kind === 'Status' && status.code === code && status.message ? undefined : `no Status: ${text.slice(0, 300)}`;
  }

  test('answers with what was asked for or with a Status that says why not, and never fails', async () => {
    let good = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const dice = new Dice(seed);
        const requests = Array.from({ length: REQUESTS }, () => requestFor(dice, MANIFESTS));
        const work = async (): Promise<void> => {
          for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
            const answer = await ask(next).catch((cause: unknown) => {
              throw new Error(`${JSON.stringify(next)}`, { cause });
            });
            if (answer.code < 300) good += 1;
            const wrong = wrongWith(next, answer);
            if (wrong !== undefined) throw new Error(`${wrong}: ${JSON.stringify({ ...next, body: next.body?.toString() })}`);
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
        expect(api.logged).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(good).toBeGreaterThan(RUNS * 3);
  }, 120_000);
});
