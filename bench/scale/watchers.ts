import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';

/** What this process watches, as JSON in its only argument. */
interface Role {
  readonly url: string;
  readonly pki: string;
  /** Paths of watches, without a query. */
  readonly paths: readonly string[];
}

const role = JSON.parse(process.argv[2] ?? '{}') as Role;
const read = (name: string): Buffer => readFileSync(path.join(role.pki, name));
const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
const counts = { open: 0, ended: 0, events: 0, bytes: 0 };

/** Reads as fast as it comes, and understands nothing: the cost is to be the server's. */
function watch(target: string): void {
  const url = new URL(`${target}?watch=true&allowWatchBookmarks=true&resourceVersion=0&timeoutSeconds=3600`, role.url);
  const asked = request(url, { ...tls, agent: false }, (answer) => {
    counts.open += 1;
    answer.on('data', (chunk: Buffer) => {
      counts.bytes += chunk.length;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) counts.events += 1;
    });
    answer.on('close', () => {
      counts.open -= 1;
      counts.ended += 1;
    });
    answer.on('error', () => undefined);
  });
  asked.on('error', () => (counts.ended += 1));
  asked.end();
}

for (const target of role.paths) watch(target);
process.on('message', () => process.send?.(counts));
process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
