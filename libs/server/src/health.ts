import type { Call } from './call.js';
import { sendBody, wrongMethod, nothingHere } from './encoding/respond.js';
import type { HealthCheck } from './options.js';

/** How long one check may take. */
const CHECK_TIMEOUT_MS = 5_000;

interface Outcome {
  readonly name: string;
  readonly problem: unknown;
}

/** Answers `/livez`, `/readyz`, `/healthz` and their subpaths, with upstream's words (apiserver `healthz`). */
export class Health {
  private readonly checks: readonly HealthCheck[];

  constructor(checks: readonly HealthCheck[]) {
    this.checks = [{ name: 'ping', check: () => undefined, live: true }, ...checks];
  }

  async answer(call: Call): Promise<void> {
    const { request, response, info, query } = call;
    if (info.verb !== 'get' && info.verb !== 'head') throw wrongMethod();
    const [endpoint = '', only, ...more] = info.path.replace(/^\/+|\/+$/g, '').split('/');
    const counted = endpoint === 'livez' ? this.checks.filter(({ live }) => live === true) : this.checks;
    const chosen = only === undefined ? counted : counted.filter(({ name }) => name === only);
    if (more.length > 0 || (only !== undefined && chosen.length === 0)) throw nothingHere();
    const excluded = new Set(query.getAll('exclude'));
    const outcomes = await Promise.all(chosen.filter(({ name }) => !excluded.has(name)).map(outcomeOf));
    const lines = chosen.map(({ name }) =>
      lineOf(
        name,
        outcomes.find((outcome) => outcome.name === name),
      ),
    );
    const unknown = [...excluded].filter((name) => !chosen.some((check) => check.name === name));
    if (unknown.length > 0)
      lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}\n`);
    const failed = outcomes.some(({ problem }) => problem !== undefined);
    const text = failed
      ? `${lines.join('')}${endpoint} check failed\n`
      : query.has('verbose')
        ? `${lines.join('')}${endpoint} check passed\n`
        : 'ok';
    await sendBody(request, response, failed ? 500 : 200, Buffer.from(text), {
      headers: { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache, private' },
    });
  }
}

function lineOf(name: string, outcome: Outcome | undefined): string {
  if (outcome === undefined) return `[+]${name} excluded: ok\n`;
  // Why it fails is for the log: anybody may ask here.
  return outcome.problem === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
}

async function outcomeOf({ name, check }: HealthCheck): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([(async () => check())(), late]);
    return { name, problem: undefined };
  } catch (problem) {
    return { name, problem: problem ?? new Error('failed') };
  } finally {
    clearTimeout(timer);
  }
}
