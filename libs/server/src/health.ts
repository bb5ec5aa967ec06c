import { healthAnswer, type CheckOutcome, type Condition } from '#libs/runtime';
import type { Call } from './call.js';
import { sendBody, wrongMethod, nothingHere } from './encoding/respond.js';
import type { HealthCheck } from './options.js';

/** How long one check may take. */
const CHECK_TIMEOUT_MS = 5_000;

/** Answers `/livez`, `/readyz`, `/healthz` and their subpaths, with upstream's words (apiserver `healthz`). */
export class Health {
  private readonly checks: readonly HealthCheck[];

  /** `conditions`: of the process, which count for all but `/livez`: to start it again would mend none of them. */
  constructor(
    checks: readonly HealthCheck[],
    private readonly conditions: () => readonly Condition[],
  ) {
    this.checks = [{ name: 'ping', check: () => undefined, live: true }, ...checks];
  }

  async answer(call: Call): Promise<void> {
    const { request, response, info, query } = call;
    if (info.verb !== 'get' && info.verb !== 'head') throw wrongMethod();
    const [endpoint = '', only, ...more] = info.path.replace(/^\/+|\/+$/g, '').split('/');
    const isLive = endpoint === 'livez';
    const counted = isLive ? this.checks.filter(({ live }) => live === true) : this.checks;
    const conditions = isLive ? [] : this.conditions();
    const isThere = (one: { readonly name: string }): boolean => one.name === only;
    if (more.length > 0 || (only !== undefined && !counted.some(isThere) && !conditions.some(isThere))) throw nothingHere();
    const excluded = new Set(query.getAll('exclude'));
    const looked = counted.filter(({ name }) => (only === undefined ? !excluded.has(name) : name === only));
    const outcomes = new Map((await Promise.all(looked.map(outcomeOf))).map((outcome) => [outcome.name, outcome]));
    const all = [...counted.map(({ name }): CheckOutcome => outcomes.get(name) ?? { name, state: 'ok' }), ...conditions];
    const { code, text } = healthAnswer({ endpoint, only, isVerbose: query.has('verbose'), excluded }, all);
    await sendBody(request, response, code, Buffer.from(text), {
      headers: { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache, private' },
    });
  }
}

async function outcomeOf({ name, check }: HealthCheck): Promise<CheckOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([(async () => check())(), late]);
    return { name, state: 'ok' };
  } catch (problem) {
    return { name, state: 'failed', message: problem instanceof Error ? problem.message : 'failed' };
  } finally {
    clearTimeout(timer);
  }
}
