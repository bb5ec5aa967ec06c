import type { ContainerRuntime } from '#libs/node-adapters';
import type { Container } from '#libs/api';
import {
  afterProbe,
  initialProbeState,
  probeOf,
  probeTiming,
  type ObservedContainer,
  type PodEvent,
  type ProbeKind,
  type ProbeState,
  type ProbeVerdicts,
} from '#libs/node';
import { runHandler, type HandlerTarget } from './handlers.js';

interface Probing {
  readonly target: HandlerTarget;
  readonly states: Map<ProbeKind, ProbeState>;
  readonly timers: Map<ProbeKind, NodeJS.Timeout>;
  stopped: boolean;
}

const KINDS: readonly ProbeKind[] = ['startup', 'readiness', 'liveness'];
const TITLE: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' };

/** Runs the probes of one pod's containers, each on its own clock, and says when a verdict changes. */
export class Prober {
  private readonly probing = new Map<string, Probing>();

  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly onVerdict: () => void,
    private readonly tell: (event: PodEvent) => void,
  ) {}

  /** Probes exactly these running containers. `known` has what was concluded before the agent restarted. */
  follow(running: readonly { container: Container; observed: ObservedContainer; podIP: string; known: ProbeVerdicts }[]): void {
    const wanted = new Set(running.map(({ observed }) => observed.id));
    for (const [id, probing] of [...this.probing]) if (!wanted.has(id)) this.end(id, probing);
    for (const { container, observed, podIP, known } of running) {
      if (this.probing.has(observed.id)) continue;
      const kinds = KINDS.filter((kind) => probeOf(container, kind));
      const states = new Map(kinds.map((kind) => [kind, stateFrom(kind, known[kind])]));
      const probing: Probing = { target: { container, observed, podIP }, states, timers: new Map(), stopped: false };
      this.probing.set(observed.id, probing);
      for (const kind of kinds) this.schedule(probing, kind, true);
    }
  }

  /** What has been concluded, by container id. */
  verdicts(): ReadonlyMap<string, ProbeVerdicts> {
    return new Map(
      [...this.probing].map(([id, { states }]) => [id, Object.fromEntries([...states].map(([kind, { verdict }]) => [kind, verdict]))]),
    );
  }

  stop(): void {
    for (const [id, probing] of [...this.probing]) this.end(id, probing);
  }

  private end(id: string, probing: Probing): void {
    probing.stopped = true;
    for (const timer of probing.timers.values()) clearTimeout(timer);
    this.probing.delete(id);
  }

  private schedule(probing: Probing, kind: ProbeKind, first: boolean): void {
    const probe = probeOf(probing.target.container, kind);
    if (!probe || probing.stopped) return;
    const { firstAt, periodMs } = probeTiming(probe, probing.target.observed.startedAt ?? 0);
    const wait = first ? Math.max(0, firstAt - Date.now()) : periodMs;
    probing.timers.set(
      kind,
      setTimeout(() => void this.probe(probing, kind), wait),
    );
  }

  private async probe(probing: Probing, kind: ProbeKind): Promise<void> {
    const { target, states } = probing;
    const probe = probeOf(target.container, kind);
    const state = states.get(kind);
    if (!probe || !state || probing.stopped) return;
    const starting = states.get('startup');
    const due = kind === 'startup' ? state.verdict !== 'success' : starting === undefined || starting.verdict === 'success';
    if (kind === 'startup' && !due) return;
    if (due) {
      const outcome = await runHandler(this.runtime, probe, target, probeTiming(probe, 0).timeoutMs);
      if (probing.stopped) return;
      const next = afterProbe(state, outcome, probe);
      states.set(kind, next);
      const event = {
        type: 'Warning',
        reason: outcome.result === 'error' ? 'ProbeWarning' : 'Unhealthy',
        container: target.container.name,
      } as const;
      if (outcome.result === 'error')
        this.tell({
          ...event,
          reason: 'Unhealthy',
          message: `${TITLE[kind]} probe errored and resulted in unknown state: ${outcome.output}`,
        });
      if (outcome.result === 'failure') this.tell({ ...event, message: `${TITLE[kind]} probe failed: ${outcome.output}` });
      if (next.verdict !== state.verdict) {
        if (kind === 'startup' && next.verdict === 'success') this.hasten(probing);
        this.onVerdict();
      }
      // The container will be killed: there is no more to learn from this one.
      if (kind !== 'readiness' && next.verdict === 'failure') return;
    }
    this.schedule(probing, kind, false);
  }

  /** Once a container has started, its other probes need not wait for their next turn. */
  private hasten(probing: Probing): void {
    for (const kind of ['readiness', 'liveness'] as const) {
      const timer = probing.timers.get(kind);
      if (timer === undefined) continue;
      clearTimeout(timer);
      this.schedule(probing, kind, true);
    }
  }
}

function stateFrom(kind: ProbeKind, known: ProbeVerdicts[ProbeKind]): ProbeState {
  const initial = initialProbeState(kind);
  return known === 'success' ? { ...initial, verdict: 'success' } : initial;
}
