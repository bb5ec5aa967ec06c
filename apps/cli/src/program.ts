import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { isIPv4 } from 'node:net';

import { Command, Option } from 'commander';

import { allocationsOf, releaseMachine } from './allocation.js';
import { printAudit, type AuditQuery } from './audit.js';
import { connectApi } from './api.js';
import { makeCertificates } from './certificates-command.js';
import type { Cluster, Layout, ProxyMode, Runtime } from './cluster.js';
import { fromAllocation, removeEverything, removeFolder } from './delete.js';
import { Failure } from './failure.js';
import { addHistory } from './history/commands.js';
import { runKubectl } from './kubectl.js';
import { withProfileLock } from './lock.js';
import { composePasswords, logUsersText } from './log-users.js';
import { printLogs } from './logs.js';
import { moment, outputOption, portNumber, profileOf, profileOption, url, urls, wholeNumber, type Surroundings } from './options.js';
import { withOwnServers } from './own-servers.js';
import { prepare } from './prepare.js';
import { allProfiles, profilesText } from './profiles.js';
import { decklogHome, foldersOf, loadCluster, profileNames, requireCluster } from './profile.js';
import { kubectl } from './programs.js';
import { rebuildProjection } from './rebuild.js';
import { rotateSealingKey } from './secrets.js';
import { serviceText } from './service.js';
import { start } from './start.js';
import type { StartOptions } from './start.js';
import { detailedStatus, statusText } from './status.js';
import { stopCluster } from './stop.js';
import { makeTerminal } from './terminal.js';
import { KUBERNETES_API, productVersion } from './version.js';

const LOCK_WAIT_MS = 120_000;
const terminal = makeTerminal(process.stdout, process.env);

/** The command line: parse it with `parseAsync`. Failures are thrown. */
export function buildProgram(around: Surroundings): Command {
  const program = new Command('decklog')
    .description('A Kubernetes control plane built on an event log: a cluster on this machine in seconds.')
    .enablePositionalOptions()
    .showHelpAfterError('(see --help)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'decklog: ')) })
    .exitOverride((error) => {
      throw new Shown(error.exitCode === 0 ? 0 : 2);
    });
  profileOption(program);
  addLifecycle(program, around);
  addReading(program, around);
  addTools(program, around);
  addExternal(program);
  addHistory(program, around);
  return program;
}

/** Thrown where everything has been said: help was shown, or a wrong use explained. */
export class Shown extends Error {
  constructor(readonly exitCode: 0 | 2) {
    super('');
  }
}

function addLifecycle(program: Command, around: Surroundings): void {
  profileOption(program.command('start'))
    .description('bring the cluster up, making it first where there is none')
    .option('--nodes <n>', 'how many nodes', wholeNumber)
    .addOption(new Option('--runtime <runtime>', 'what pods run in (default: docker, else simulated)').choices(['docker', 'simulated']))
    .addOption(new Option('--layout <layout>', 'the control plane in one process, or each app apart').choices(['standalone', 'apart']))
    .addOption(new Option('--ha', 'several of everything: three servers of the log, two of each app').conflicts('layout'))
    .addOption(
      new Option('--proxy <proxy>', "how nodes serve Services (default: nftables, else the nodes' processes)").choices([
        'nftables',
        'userspace',
      ]),
    )
    .option('--nats-url <url>', 'a NATS server of your own, 2.12 or newer with JetStream, or several with commas', urls('nats', 'tls'))
    .option('--postgres-url <url>', 'a Postgres database of your own, 15 or newer', url('postgres', 'postgresql'))
    .option('--token-auth-file <file>', 'users of static tokens: token,user,uid[,"group,group"] a line; none takes them away')
    .option(
      '--authentication-config <file>',
      "issuers of OpenID Connect tokens: upstream's AuthenticationConfiguration; none takes it away",
    )
    .option('--sinks <file>', 'where the audit trail is carried to: files, webhooks, NATS subjects; none takes it away')
    .option('--checkpoint-file <file>', "where signed checkpoints of the log go, besides the log's server: best another machine's disk")
    .option('--api-port <port>', "the API server's port (default: 6443, else a free one)", portNumber)
    .action(
      async (
        { ha, ...options }: Omit<StartOptions, 'profile'> & { runtime?: Runtime; layout?: Layout; proxy?: ProxyMode; ha?: boolean },
        command: Command,
      ) => {
        around.catchInterrupts();
        const layout = ha === true ? { layout: 'ha' as const } : {};
        await start({ ...options, ...layout, profile: profileOf(command) }, terminal, around.signal);
      },
    );

  profileOption(program.command('stop'))
    .description('stop the cluster and its containers; everything is kept')
    .action(async (_: unknown, command: Command) => {
      const profile = profileOf(command);
      const cluster = await requireCluster(profile);
      const folders = foldersOf(profile);
      around.catchInterrupts();
      await withProfileLock(folders.root, LOCK_WAIT_MS, () =>
        terminal.step('✋', `Stopping "${profile}"`, (say) => stopCluster(cluster, folders, say)),
      );
    });

  profileOption(program.command('delete'))
    .description('remove the cluster and everything it has on this machine')
    .option('--all', 'every profile')
    .action(async ({ all }: { all?: boolean }, command: Command) => {
      around.catchInterrupts();
      const profiles = all === true ? await profileNames() : [profileOf(command)];
      if (all === true && profiles.length === 0) terminal.line('🤷', 'There are no profiles.');
      for (const profile of profiles) await deleteProfile(profile, around.signal);
      if (all === true) await releaseMachine();
    });
}

async function deleteProfile(profile: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const folders = foldersOf(profile);
  await withProfileLock(folders.root, LOCK_WAIT_MS, async () => {
    const cluster = await clusterToDelete(profile);
    if (cluster === undefined) {
      if (!(await profileNames()).includes(profile)) terminal.warn(`"${profile}" profile does not exist`);
      await removeFolder(folders.root);
      return;
    }
    await terminal.step('🔥', `Deleting "${profile}"`, () => removeEverything(cluster, folders));
    if (cluster.natsUrl !== undefined) terminal.warn(`The streams decklog_${cluster.id}_* on your NATS server were left there.`);
    if (cluster.postgresUrl !== undefined) terminal.warn('The tables in your Postgres database were left there.');
    if (cluster.archive !== undefined) terminal.warn(`What was archived to ${cluster.archive} was left there.`);
  });
  await rm(`${decklogHome()}/.failed/${profile}`, { recursive: true, force: true });
  terminal.line('💀', `Removed all traces of "${profile}".`);
}

/** The profile's cluster, also where its file is damaged or was not yet written when a start was killed. */
async function clusterToDelete(profile: string): Promise<Cluster | undefined> {
  const known = await loadCluster(profile).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    return undefined;
  });
  const [allocation] = known === undefined ? await allocationsOf(foldersOf(profile).root) : [];
  return allocation === undefined ? known : fromAllocation(profile, allocation, foldersOf(profile));
}

function addReading(program: Command, around: Surroundings): void {
  profileOption(program.command('status'))
    .description('what runs; exit code 1 where the profile does not exist')
    .addOption(outputOption())
    .action(async ({ output }: { output: string }, command: Command) => {
      const profile = profileOf(command);
      const status = await detailedStatus(profile, await loadCluster(profile), foldersOf(profile));
      process.stdout.write(output === 'json' ? `${JSON.stringify(status)}\n` : `${statusText(status)}\n`);
      if (status.state === 'Missing') around.setExitCode(1);
    });

  profileOption(program.command('logs'))
    .description("the ends of the cluster's logs, or of one component's")
    .argument('[component]', 'nats, postgres, control-plane, node-1, ... as `status` names them')
    .option('-f, --follow', 'go on with what is added')
    .option('-n, --lines <n>', 'how many lines of each', wholeNumber, 40)
    .action(async (component: string | undefined, options: { follow?: boolean; lines: number }, command: Command) => {
      const profile = profileOf(command);
      const cluster = await requireCluster(profile);
      const wanted = { lines: options.lines, follow: options.follow === true, ...(component === undefined ? {} : { component }) };
      await printLogs(cluster, foldersOf(profile), wanted, (text) => void process.stdout.write(text), around.signal);
    });

  profileOption(program.command('audit'))
    .description(
      'requests that were no changes but worth knowing: refusals, reads of Secrets, exec, tokens, acting as others, what admission notes',
    )
    .addOption(outputOption())
    .option('--since <when>', 'how long ago (90m, 2h, 1d) or from which time on (2026-01-02T03:04:05Z)', moment)
    .option('--user <name>', 'of one user alone')
    .option('-n, --namespace <namespace>', 'in one namespace alone')
    .option('--resource <resource>', 'about one resource alone, e.g. secrets')
    .addOption(
      new Option('--kind <kind>', 'of one kind alone').choices([
        'denied',
        'failed',
        'secret',
        'connect',
        'token',
        'impersonation',
        'annotated',
      ]),
    )
    .option('-f, --follow', 'go on with what is added')
    .action(async ({ output, follow, ...rest }: Omit<AuditQuery, 'follow'> & { output: string; follow?: boolean }, command: Command) => {
      const profile = profileOf(command);
      const query = { ...rest, follow: follow === true };
      const write = (text: string): unknown => process.stdout.write(text);
      await printAudit(await requireCluster(profile), foldersOf(profile), query, write, output, around.signal);
    });

  const profiles = program.command('profile').description('the clusters of this user');
  profiles
    .command('list')
    .description('all of them')
    .addOption(outputOption())
    .action(async ({ output }: { output: string }) => {
      const all = await allProfiles();
      process.stdout.write(output === 'json' ? `${JSON.stringify(all)}\n` : `${profilesText(all)}\n`);
    });

  program
    .command('version')
    .description('of Decklog and of the API it serves')
    .addOption(outputOption())
    .action(async ({ output }: { output: string }) => {
      const version = await productVersion();
      const text =
        output === 'json'
          ? JSON.stringify({ version, kubernetesApi: KUBERNETES_API })
          : `decklog ${version}\nKubernetes API ${KUBERNETES_API}`;
      process.stdout.write(`${text}\n`);
    });
}

interface CertificatesGiven {
  readonly address: string;
  readonly name: readonly string[];
  readonly logServer: readonly string[];
  readonly server: string;
  readonly nodes: number;
}

function addTools(program: Command, around: Surroundings): void {
  program
    .command('prepare')
    .description('install what clusters with real containers need on this machine, without making one')
    .action(() => prepare(terminal));

  profileOption(program.command('kubectl'))
    .description('kubectl against this cluster: decklog kubectl -- get pods')
    .argument('[args...]', "kubectl's own, after --")
    .option('--print-path', 'print where the kubectl in use is, and do nothing else')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: readonly string[], { printPath }: { printPath?: boolean }, command: Command) => {
      const profile = profileOf(command);
      if (printPath !== true) await requireCluster(profile);
      const found = await kubectl((text) => void process.stderr.write(`${text}\n`));
      if (printPath === true) {
        process.stdout.write(`${found.path}\n`);
        return;
      }
      around.setExitCode(await runKubectl(found.path, { ...process.env, KUBECONFIG: foldersOf(profile).kubeconfig }, args));
    });

  profileOption(program.command('service'))
    .description('where a service is reached from this machine')
    .argument('<name>')
    .option('-n, --namespace <namespace>', 'of the service', 'default')
    .option('--url', 'print the URLs alone')
    .option('--https', 'https instead of http')
    .option('--wait <seconds>', 'how long to wait for the service and a pod of it', wholeNumber, 10)
    .action(async (name: string, options: { namespace: string; url?: boolean; https?: boolean; wait: number }, command: Command) => {
      const profile = profileOf(command);
      const api = await connectApi(await requireCluster(profile), foldersOf(profile));
      const wanted = { name, namespace: options.namespace, url: options.url === true, https: options.https === true, profile };
      process.stdout.write(`${await serviceText(api, { ...wanted, waitSeconds: options.wait })}\n`);
    });

  profileOption(program.command('rebuild'))
    .description('build the Postgres projection again from the log and its archive')
    .option('--check', 'build it beside the present one and compare; exit code 1 where they differ')
    .option('--archive <folder>', 'where the archive is now, if it was moved')
    .action(async ({ check, ...given }: { check?: boolean; archive?: string }, command: Command) => {
      around.catchInterrupts();
      const profile = profileOf(command);
      const cluster = await requireCluster(profile);
      const folders = foldersOf(profile);
      const difference = await withOwnServers(cluster, folders, terminal, around.signal, () =>
        rebuildProjection(cluster, folders, { check: check === true, ...given }, terminal, around.signal),
      );
      if (difference !== undefined) throw new Failure(difference, ['`./decklog rebuild` builds it anew.']);
    });

  const secrets = program.command('secrets').description('the keys that Secrets are encrypted with');
  profileOption(secrets.command('rotate-key'))
    .description('wrap every key anew with a new sealing key while the cluster runs; the old one is of no use afterwards')
    .action(async (_: unknown, command: Command) => {
      const profile = profileOf(command);
      await rotateSealingKey(await requireCluster(profile), foldersOf(profile), terminal);
    });
}

/** What is needed by a cluster that something else runs. */
function addExternal(program: Command): void {
  program
    .command('log-users')
    .description("who may do what on a NATS server of your own: its settings for a cluster's processes, with passwords in its environment")
    .argument('<cluster>', "the cluster's id: CLUSTER of the apps")
    .option('--restorer', 'with the one who may restore a backup: for as long as that takes')
    .action((cluster: string, { restorer }: { restorer?: boolean }) => {
      if (!/^[A-Za-z0-9-]+$/.test(cluster)) throw new Failure(`"${cluster}" is no id of a cluster: letters, digits and dashes`, [], 2);
      process.stdout.write(logUsersText(cluster, restorer === true));
    });

  program
    .command('compose-passwords')
    .description('new passwords for docker-compose.yml, as its .env has them')
    .action(() => void process.stdout.write(composePasswords(() => randomBytes(24).toString('hex'))));

  program
    .command('certificates')
    .description('the keys of a cluster that something else runs, as docker-compose.yml')
    .argument('<folder>', 'where to: PKI_DIR of the apps')
    .requiredOption('--address <ip>', "the API server's advertised address")
    .option('--name <name...>', "more names of the API server's certificate", [])
    .option(
      '--log-server <name...>',
      "a server of the log that speaks TLS: its pair, and one for all who connect, go to the folder's `log`",
      [],
    )
    .option('--server <url>', 'the API server in the kubeconfig', url('https'), 'https://127.0.0.1:6443')
    .option('--nodes <n>', 'how many nodes', wholeNumber, 1)
    .action(async (folder: string, options: CertificatesGiven) => {
      if (!isIPv4(options.address)) throw new Failure(`--address ${options.address} is no IPv4 address`, [], 2);
      const made = await makeCertificates({ ...options, folder, names: options.name, logServers: options.logServer });
      terminal.line('🔑', `${made} made in ${folder}`);
    });
}
