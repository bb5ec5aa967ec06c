import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const TIMEOUT_MS = 30_000;

/** A program ran and failed, or could not be run. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** Runs a program to its end and returns what it printed. Bounded in time; throws CommandFailed with its error text. */
export function runCommand(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => out.push(piece));
    child.stderr.on('data', (piece: Buffer) => err.push(piece));
    child.on('error', (cause) => reject(new CommandFailed(`${command}: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new CommandFailed(`${command} ${args.join(' ')}: ${Buffer.concat(err).toString().trim() || `exit code ${code}`}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** The name of a cluster's table: one per cluster, in family `ip`. */
export const nftTableOf = (cluster: string): string => `decklog_${cluster.replaceAll('-', '_')}`;

/** Loads a script as one transaction: all of it, or nothing. */
export async function applyNft(script: string): Promise<void> {
  await runCommand('nft', ['-f', '-'], script);
}

/** Whether the cluster's table is still there (somebody may have flushed the ruleset). */
export async function hasNftTable(table: string): Promise<boolean> {
  return runCommand('nft', ['-t', 'list', 'table', 'ip', table]).then(
    () => true,
    () => false,
  );
}

/**
 * Lets the kernel forward packets, and translate those that stay on one bridge: without the second a pod gets no
 * answer from a neighbour behind a ClusterIP. What can't be set is left as it is.
 */
export async function enableForwarding(): Promise<void> {
  await runCommand('modprobe', ['br_netfilter']).catch(() => undefined);
  for (const file of ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/bridge/bridge-nf-call-iptables']) {
    try {
      if (readFileSync(file, 'utf8').trim() !== '1') writeFileSync(file, '1');
    } catch {
      continue;
    }
  }
}

/** Sends the service range to the cluster's own interface, so that connections to it have a route and a source address. */
export async function routeServices(serviceCidr: string, device: string, source: string): Promise<void> {
  await runCommand('ip', ['route', 'replace', serviceCidr, 'dev', device, 'src', source]);
}

/** Gives an address of the service range to an interface, or takes it away: how the user-space proxy is reached. */
export async function setLocalAddress(verb: 'replace' | 'del', address: string, device: string): Promise<void> {
  await runCommand('ip', ['address', verb, `${address}/32`, 'dev', device]);
}
