import type { Sample } from './samples.js';

/** What a process says of itself when it is asked. */
export interface ProcessAnswer {
  readonly component: string;
  /** The checks that fail, by name; undefined: it did not answer. */
  readonly failing: readonly string[] | undefined;
  readonly samples: readonly Sample[];
}

/** A stream as one of the log's servers sees it. */
export interface StreamAnswer {
  readonly stream: string;
  readonly last: number;
  /** Of a stream with copies: who leads, and how the others are. */
  readonly leader?: string;
  readonly copies?: readonly { readonly server: string; readonly current: boolean; readonly lag: number }[];
}

/** What is known of one process beyond whether it runs. */
export interface ProcessDetail {
  readonly component: string;
  /** Whether it does its work; undefined: it did not say. */
  readonly ready?: boolean;
  /** Names of what is wrong, with the reason where one is known. */
  readonly problems: readonly string[];
  readonly version?: string;
  readonly memoryBytes?: number;
  readonly cpuSeconds?: number;
  /** How many messages of the log it has not seen yet, over all streams; undefined where it keeps no cache, or does not say. */
  readonly behind?: number;
}

/** How a service's work is shared. */
export interface ServiceDetail {
  readonly service: string;
  readonly shards: number;
  readonly replicas: readonly { readonly component: string; readonly owned: number }[];
}

/** How far the projection of a stream is. */
export interface ProjectionDetail {
  readonly stream: string;
  readonly by: string;
  readonly position: number;
  readonly lagEvents?: number;
  readonly lagSeconds?: number;
}

/** What is known of a running cluster beyond which processes run. */
export interface StatusDetails {
  readonly processes: readonly ProcessDetail[];
  readonly services: readonly ServiceDetail[];
  readonly projections: readonly ProjectionDetail[];
  /** Empty where the log's server did not answer. */
  readonly log: readonly StreamAnswer[];
}

const STREAMS = ['state', 'lease', 'event'];

function valueOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  return samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    ?.value;
}

/** The streams' ends as whoever knows most has seen them. */
function endsOf(answers: readonly ProcessAnswer[], log: readonly StreamAnswer[]): ReadonlyMap<string, number> {
  return new Map(
    STREAMS.map((stream) => {
      const seen = answers.flatMap(({ samples }) => valueOf(samples, 'decklog_cache_position', { stream }) ?? []);
      const held = log.flatMap((one) => (one.stream === stream ? [one.last] : []));
      return [stream, Math.max(0, ...seen, ...held)] as const;
    }),
  );
}

function processOf({ component, failing, samples }: ProcessAnswer, ends: ReadonlyMap<string, number>): ProcessDetail {
  if (failing === undefined) return { component, problems: ['does not answer'] };
  const wrong = new Map<string, string>();
  for (const check of failing) wrong.set(check, '');
  for (const { name, labels, value } of samples) {
    if (name === 'decklog_condition' && value > 0) wrong.set(labels['name'] ?? '', labels['reason'] ?? '');
  }
  const positions = STREAMS.flatMap((stream) => {
    const position = valueOf(samples, 'decklog_cache_position', { stream });
    return position === undefined ? [] : [Math.max(0, (ends.get(stream) ?? 0) - position)];
  });
  const version = samples.find(({ name }) => name === 'decklog_build_info')?.labels['version'];
  const memoryBytes = valueOf(samples, 'process_resident_memory_bytes');
  const cpuSeconds = valueOf(samples, 'process_cpu_seconds_total');
  return {
    component,
    ready: failing.length === 0,
    problems: [...wrong].map(([name, reason]) => (reason === '' ? name : `${name} (${reason})`)),
    ...(version === undefined ? {} : { version: `v${version}` }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    ...(positions.length === 0 ? {} : { behind: positions.reduce((sum, lag) => sum + lag, 0) }),
  };
}

function servicesOf(answers: readonly ProcessAnswer[]): readonly ServiceDetail[] {
  const services = new Map<string, { shards: number; replicas: { component: string; owned: number }[] }>();
  for (const { component, samples } of answers) {
    for (const { name, labels, value } of samples) {
      const { service } = labels;
      if (name !== 'decklog_shards_owned' || service === undefined) continue;
      const known = services.get(service) ?? { shards: 0, replicas: [] };
      known.shards = Math.max(known.shards, valueOf(samples, 'decklog_shards', { service }) ?? 0);
      known.replicas.push({ component, owned: value });
      services.set(service, known);
    }
  }
  return [...services].map(([service, known]) => ({ service, ...known })).sort((a, b) => (a.service < b.service ? -1 : 1));
}

function projectionsOf(answers: readonly ProcessAnswer[]): readonly ProjectionDetail[] {
  return STREAMS.flatMap((stream) =>
    answers.flatMap(({ component, samples }): readonly ProjectionDetail[] => {
      const position = valueOf(samples, 'decklog_projection_position', { stream });
      if (position === undefined) return [];
      const lagEvents = valueOf(samples, 'decklog_projection_lag_events', { stream });
      const lagSeconds = valueOf(samples, 'decklog_projection_lag_seconds', { stream });
      const lag = { ...(lagEvents === undefined ? {} : { lagEvents }), ...(lagSeconds === undefined ? {} : { lagSeconds }) };
      return [{ stream, by: component, position, ...lag }];
    }),
  );
}

/** The streams of objects come first, in their usual order. */
const placeOf = ({ stream }: StreamAnswer): number => (STREAMS.includes(stream) ? STREAMS.indexOf(stream) : STREAMS.length);

/** Puts together what the processes and the log's server have said. */
export function detailsOf(answers: readonly ProcessAnswer[], log: readonly StreamAnswer[]): StatusDetails {
  const ends = endsOf(answers, log);
  return {
    processes: answers.map((answer) => processOf(answer, ends)),
    services: servicesOf(answers),
    projections: projectionsOf(answers),
    log: [...log].sort((a, b) => placeOf(a) - placeOf(b) || (a.stream < b.stream ? -1 : 1)),
  };
}
