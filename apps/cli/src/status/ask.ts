import { get } from 'node:http';
import type { ProcessAnswer, StreamAnswer } from './details.js';
import { samplesIn } from './samples.js';

/** A process or server may take so long to answer before it counts as silent. */
const WITHIN_MS = 2_000;
const MOST_BYTES = 32 * 1024 * 1024;
const WANTED = ['decklog_', 'process_resident_memory_bytes', 'process_cpu_seconds_total'];

interface Answer {
  readonly code: number;
  readonly body: string;
}

/** What a port of the loopback answers; undefined: nothing in time. */
function asked(port: number, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, signal: AbortSignal.timeout(WITHIN_MS) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MOST_BYTES) request.destroy();
      });
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
    });
    request.on('error', () => resolve(undefined));
  });
}

/** The names of the checks that fail, in upstream's words for probes. */
export const failingIn = (text: string): readonly string[] => [...text.matchAll(/^\[-\](\S+)/gm)].map(([, name = '']) => name);

/** Asks a process of the control plane how it is, at the port of its probes. */
export async function askProcess(component: string, port: number): Promise<ProcessAnswer> {
  const [ready, metrics] = await Promise.all([asked(port, '/readyz?verbose'), asked(port, '/metrics')]);
  if (ready === undefined) return { component, failing: undefined, samples: [] };
  const failing = ready.code === 200 ? [] : failingIn(ready.body);
  return {
    component,
    failing: ready.code === 200 || failing.length > 0 ? failing : ['not ready'],
    samples: metrics?.code === 200 ? samplesIn(metrics.body, WANTED) : [],
  };
}

/** What a nats-server's monitor says of its streams. */
interface Monitored {
  readonly account_details?: readonly { readonly stream_detail?: readonly MonitoredStream[] }[];
}

interface MonitoredStream {
  readonly name: string;
  readonly state?: { readonly last_seq?: number };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly name: string; readonly current?: boolean; readonly offline?: boolean; readonly lag?: number }[];
  };
}

/** The streams of a cluster, as the monitor of one of the log's servers answers (`/jsz?streams=true`). */
export function streamsIn(text: string, cluster: string): readonly StreamAnswer[] {
  const prefix = `decklog_${cluster}_`;
  const streams = ((JSON.parse(text) as Monitored).account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
  return streams.flatMap(({ name, state, cluster: group }): readonly StreamAnswer[] => {
    if (!name.startsWith(prefix)) return [];
    const copies = group?.replicas?.map((one) => ({
      server: one.name,
      current: one.current === true && one.offline !== true,
      lag: one.lag ?? 0,
    }));
    return [
      {
        stream: name.slice(prefix.length),
        last: state?.last_seq ?? 0,
        ...(group?.leader === undefined || group.leader === '' ? {} : { leader: group.leader }),
        ...(copies === undefined ? {} : { copies }),
      },
    ];
  });
}

/** Asks the log's servers for the cluster's streams: of each stream the one that knows most of it. Empty: none has answered. */
export async function askLog(ports: readonly number[], cluster: string): Promise<readonly StreamAnswer[]> {
  const answers = await Promise.all(ports.map((port) => asked(port, '/jsz?streams=true&accounts=true')));
  const best = new Map<string, StreamAnswer>();
  for (const answer of answers) {
    for (const stream of answer?.code === 200 ? streamsIn(answer.body, cluster) : []) {
      const known = best.get(stream.stream);
      if (known === undefined || rank(stream) > rank(known)) best.set(stream.stream, stream);
    }
  }
  return [...best.values()];
}

/** The leader alone knows how far its followers are. */
const rank = ({ copies, last }: StreamAnswer): number => (copies === undefined ? 0 : 1e15) + last;
