import type { Instant } from '#libs/apimachinery';
import type { Container, Probe } from '#libs/api';

/** Which of a container's probes. */
export type ProbeKind = 'startup' | 'readiness' | 'liveness';

/** What one run of a probe said. `error`: the probe itself could not be run, which counts for nothing. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'error';
  readonly output: string;
}

/** How often in a row a probe has said the same, and what has been concluded from it. */
export interface ProbeState {
  readonly last: 'success' | 'failure' | undefined;
  readonly run: number;
  readonly verdict: 'success' | 'failure' | 'unknown';
}

/** What is concluded of a container from its probes so far. */
export interface ProbeVerdicts {
  readonly startup?: ProbeState['verdict'];
  readonly readiness?: ProbeState['verdict'];
  readonly liveness?: ProbeState['verdict'];
}

const INITIAL: Readonly<Record<ProbeKind, ProbeState['verdict']>> = { startup: 'unknown', readiness: 'failure', liveness: 'success' };

/** Before the first run: not ready, alive, not known to have started. */
export const initialProbeState = (kind: ProbeKind): ProbeState => ({ last: undefined, run: 0, verdict: INITIAL[kind] });

/** The state after one more outcome: the verdict changes when successThreshold or failureThreshold is reached. */
export function afterProbe(state: ProbeState, outcome: ProbeOutcome, probe: Probe): ProbeState {
  if (outcome.result === 'error') return state;
  const run = outcome.result === state.last ? state.run + 1 : 1;
  const threshold = outcome.result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { last: outcome.result, run, verdict: run >= threshold ? outcome.result : state.verdict };
}

/** The probe of a kind that a container has, if any. */
export const probeOf = (container: Container, kind: ProbeKind): Probe | undefined => container[`${kind}Probe`];

/** When a probe runs first, after the container's start; later ones follow every `periodMs`. */
export const probeTiming = (
  probe: Probe,
  startedAt: Instant,
): { readonly firstAt: Instant; readonly periodMs: number; readonly timeoutMs: number } => ({
  firstAt: startedAt + (probe.initialDelaySeconds ?? 0) * 1000,
  periodMs: (probe.periodSeconds ?? 10) * 1000,
  timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
});

/** Whether a running container counts as started: its startup probe, if it has one, has succeeded. */
export const isStarted = (container: Container, verdicts: ProbeVerdicts | undefined): boolean =>
  container.startupProbe === undefined || verdicts?.startup === 'success';

/** Whether a running container counts as ready. */
export const isReady = (container: Container, verdicts: ProbeVerdicts | undefined): boolean =>
  isStarted(container, verdicts) && (container.readinessProbe === undefined || verdicts?.readiness === 'success');

/** Which probe wants the container killed, if one does. */
export function fatalProbe(container: Container, verdicts: ProbeVerdicts | undefined): ProbeKind | undefined {
  if (container.startupProbe && verdicts?.startup === 'failure') return 'startup';
  if (container.livenessProbe && verdicts?.liveness === 'failure') return 'liveness';
  return undefined;
}

/** A named port of a container, or the number itself; undefined when there is no such name. */
export function portNumber(container: Container, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}
