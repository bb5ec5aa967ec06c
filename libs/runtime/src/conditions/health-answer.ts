import type { ConditionState } from './condition.js';

/** How one check of `/livez`, `/readyz` or `/healthz` turned out. */
export interface CheckOutcome {
  readonly name: string;
  readonly state: ConditionState;
  /** Why it is not as it should be: for those alone who ask for this one check. */
  readonly message?: string;
}

/** What was asked of a health endpoint. */
export interface HealthQuestion {
  /** `livez`, `readyz` or `healthz`. */
  readonly endpoint: string;
  /** `/readyz/<only>`: one check alone. */
  readonly only?: string | undefined;
  readonly isVerbose: boolean;
  readonly excluded: ReadonlySet<string>;
}

/** What a health endpoint answers, as text. */
export interface HealthAnswer {
  readonly code: 200 | 404 | 500;
  readonly text: string;
}

const LINES: Readonly<Record<ConditionState, (name: string) => string>> = {
  ok: (name) => `[+]${name} ok\n`,
  // Why is for the log: anybody may ask here.
  degraded: (name) => `[!]${name} degraded: reason withheld\n`,
  failed: (name) => `[-]${name} failed: reason withheld\n`,
};

/**
 * The answer of a health endpoint, in upstream's words (apiserver `healthz`). What is degraded is named, and fails a check that is asked
 * for alone, but not the whole: the process is of use without it.
 */
export function healthAnswer(question: HealthQuestion, outcomes: readonly CheckOutcome[]): HealthAnswer {
  const { endpoint, only, isVerbose, excluded } = question;
  if (only !== undefined) return answerOfOne(outcomes.find(({ name }) => name === only));
  const lines = outcomes.map(({ name, state }) => (excluded.has(name) ? `[+]${name} excluded: ok\n` : LINES[state](name)));
  const unknown = [...excluded].filter((name) => !outcomes.some((outcome) => outcome.name === name));
  if (unknown.length > 0)
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}\n`);
  const failed = outcomes.some(({ name, state }) => state === 'failed' && !excluded.has(name));
  if (failed) return { code: 500, text: `${lines.join('')}${endpoint} check failed\n` };
  return { code: 200, text: isVerbose ? `${lines.join('')}${endpoint} check passed\n` : 'ok' };
}

function answerOfOne(outcome: CheckOutcome | undefined): HealthAnswer {
  if (outcome === undefined) return { code: 404, text: '404 page not found\n' };
  const { name, state, message = `${name} ${state}` } = outcome;
  return state === 'ok' ? { code: 200, text: 'ok' } : { code: 500, text: `internal server error: ${message}\n` };
}
