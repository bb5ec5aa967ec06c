import { join, resolve } from 'node:path';

import type { Command } from 'commander';
import { Option } from 'commander';
import { findingText, STREAMS, type Finding, type StreamName } from '#libs/log';

import { archiveFolderOf } from '../archive/folder.js';
import { confirmed } from '../confirm.js';
import { Failure, messageOf } from '../failure.js';
import { loadAdapters, type Adapters } from '../fork/adapters.js';
import { logPlaceOf } from '../nats.js';
import { profileOf, profileOption, wholeNumber, type AddCommand, type Surroundings } from '../options.js';
import { withOwnServers } from '../own-servers.js';
import { postgresUrlOf } from '../postgres.js';
import { foldersOf, readIfThere, requireCluster, secretsOf, type Folders } from '../profile.js';
import { makeTerminal, type Terminal } from '../terminal.js';

interface VerifyOptions {
  readonly stream?: StreamName;
  readonly from?: number;
  readonly checkpointFile?: string;
  readonly publicKey?: string;
  readonly archive?: string;
  readonly accept?: string;
  readonly yes?: boolean;
  readonly output: 'text' | 'json';
}

type Verified = Awaited<ReturnType<Adapters['verifyWholeHistory']>>;

/** `decklog verify`: whether the history is what it was. */
export const addVerify: AddCommand = (program, around) => {
  profileOption(program.command('verify'))
    .description(
      'compare the log, its archive, the projection and the signed checkpoints, and name the first event that was altered, lost or rolled back',
    )
    .addOption(new Option('--stream <stream>', 'one stream alone').choices(STREAMS))
    .option('--from <sequence>', 'not from the beginning but from here', wholeNumber)
    .option('--checkpoint-file <file>', 'signed checkpoints kept elsewhere')
    .option('--public-key <file>', "the key they are signed with (default: the profile's checkpoint.pub)")
    .option('--archive <folder>', 'where archived messages are')
    .option('--accept <reason>', 'sign that the history is accepted as it is now: what was signed before counts no more')
    .option('-y, --yes', 'accept without asking')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async (options: VerifyOptions, command: Command) => {
      around.catchInterrupts();
      await verify(options, profileOf(command), around);
    });
};

async function verify(options: VerifyOptions, profile: string, around: Surroundings): Promise<void> {
  const cluster = await requireCluster(profile);
  const folders = foldersOf(profile);
  const adapters = await loadAdapters();
  const secrets = await secretsOf(folders);
  const publicKey = await readIfThere(options.publicKey === undefined ? join(folders.pki, 'checkpoint.pub') : resolve(options.publicKey));
  if (publicKey === undefined && options.publicKey !== undefined) throw new Failure(`there is no ${options.publicKey}`, [], 2);
  const places = {
    log: logPlaceOf(cluster, secrets),
    postgres: { url: postgresUrlOf(cluster, secrets), cluster: cluster.id, migrations: adapters.MIGRATIONS },
    archive: options.archive === undefined ? archiveFolderOf(cluster, folders) : resolve(options.archive),
    file: options.checkpointFile === undefined ? (cluster.checkpointFile ?? folders.checkpointFile) : resolve(options.checkpointFile),
    ...(publicKey === undefined ? {} : { publicKey }),
  };
  const terminal = makeTerminal(process.stderr, process.env);
  await withOwnServers(cluster, folders, terminal, around.signal, () =>
    options.accept === undefined ? check(adapters, places, options, terminal, around) : accept(adapters, places, folders, options, around),
  );
}

async function check(
  { verifyWholeHistory, keyName }: Adapters,
  places: Parameters<Adapters['verifyWholeHistory']>[0],
  { stream, from, output }: VerifyOptions,
  terminal: Terminal,
  { signal, setExitCode }: Surroundings,
): Promise<void> {
  const began = performance.now();
  const verified = await terminal
    .step('🔏', 'Reading the history again', (say) => {
      let told = performance.now();
      return verifyWholeHistory(places, {
        ...(stream === undefined ? {} : { streams: [stream] }),
        ...(from === undefined ? {} : { from: Math.max(1, from) }),
        signal,
        onProgress: (name, at, until) => {
          if (performance.now() - told < 5_000) return;
          told = performance.now();
          say(`${name}: ${at} of ${until}`);
        },
      });
    })
    .catch((error: unknown) => {
      throw new Failure(`the history can't be read: ${messageOf(error)}`, [], 1, { cause: error });
    });
  signal.throwIfAborted();
  const findings = findingsOf(verified);
  const key = places.publicKey === undefined ? undefined : keyName(places.publicKey);
  if (output === 'json') process.stdout.write(`${JSON.stringify({ ...verified, key, findings }, undefined, 4)}\n`);
  else process.stdout.write(verifiedText(verified, key, performance.now() - began));
  if (findings.length > 0 || damagedOf(verified).length > 0) setExitCode(1);
}

/** Everything wrong: of each stream, and of each place of checkpoints, the first. */
export const findingsOf = ({ streams, checkpoints }: Pick<Verified, 'streams' | 'checkpoints'>): readonly Finding[] =>
  [...streams, ...checkpoints].flatMap(({ finding }) => (finding === undefined ? [] : [finding]));

/** The servers whose copies are damaged. */
const damagedOf = ({ copies }: Pick<Verified, 'copies'>): readonly string[] =>
  copies.flatMap(({ server, findings }) => (findings.length > 0 ? [server] : []));

function copyLine({ server, isLeader, isCurrent, events, findings }: Verified['copies'][number]): string {
  const verdict = findings.length > 0 ? 'WRONG  ' : isCurrent ? 'ok     ' : 'AWAY   ';
  const what = isCurrent ? `${events} events` : `${events} events; it is away or catching up: look again later`;
  return `copy   ${verdict} ${what} on ${server}${isLeader ? ', the leader' : ''}`;
}

/** What is wrong with copies, and what to do. */
function copiesText(verified: Pick<Verified, 'copies'>): readonly string[] {
  const damaged = damagedOf(verified);
  if (damaged.length === 0) return [];
  const all = verified.copies.flatMap(({ server, findings }) => findings.map((finding) => `  ${server}: ${findingText(finding)}`));
  return [
    'Copies are damaged:',
    ...all,
    `What is served is read from the others. One at a time: stop the server (${damaged.join(', ')}), remove all of its JetStream folder, $SYS`,
    'with it, start it again, and wait until it is current: it gets everything from the others. Then verify once more.',
  ];
}

/** What was verified, for people. */
export function verifiedText(verified: Verified, key: string | undefined, tookMs: number): string {
  const { streams, checkpoints, copies } = verified;
  const events = streams.reduce((sum, one) => sum + one.events, 0);
  const lines = [
    ...streams.map(({ stream, from, until, events: count, finding }) => {
      const what = until < from ? 'nothing to look at' : `${count} events up to ${stream}:${until}`;
      return `${stream.padEnd(6)} ${finding === undefined ? 'ok     ' : 'WRONG  '} ${what}`;
    }),
    ...checkpoints.map(({ kept, count, newest, finding }) => {
      const last =
        newest === undefined ? '' : `, the newest is ${newest.number} of ${newest.time}, at state:${newest.streams.state.sequence}`;
      return `signed ${finding === undefined ? 'ok     ' : 'WRONG  '} ${count} checkpoints ${kept}${last}`;
    }),
    ...copies.map(copyLine),
  ];
  const accepted = checkpoints.flatMap(({ newest }) =>
    newest?.accepted === undefined ? [] : [`accepted at ${newest.time}: ${newest.accepted}`],
  );
  const findings = [...new Set(findingsOf(verified).map(findingText))];
  const rate = tookMs > 0 ? Math.round((events * 1_000) / tookMs) : events;
  const end =
    findings.length === 0
      ? `The history is what it was: ${events} events in ${(tookMs / 1_000).toFixed(1)} s (${rate}/s).`
      : ['The history is not what it was:', ...findings.map((text) => `  ${text}`)].join('\n');
  const signed =
    key === undefined ? 'Signatures were not looked at: there is no public key.' : `Signatures were checked with the key ${key}.`;
  return `${[...lines, ...new Set(accepted), '', end, ...copiesText(verified), signed].join('\n')}\n`;
}

async function accept(
  { acceptHistory }: Adapters,
  places: Parameters<Adapters['verifyWholeHistory']>[0],
  folders: Folders,
  { accept: reason = '', yes }: VerifyOptions,
  { signal }: Surroundings,
): Promise<void> {
  const key = await readIfThere(join(folders.pki, 'checkpoint.key'));
  if (key === undefined) throw new Failure('there is no key to sign with', [`It should be ${join(folders.pki, 'checkpoint.key')}.`]);
  if (yes !== true) {
    if (process.stdin.isTTY !== true) throw new Failure('nobody is there to be asked', ['Say --yes.'], 2);
    if (!(await confirmed('From now on nobody can tell what was lost or altered before. Accept it?', signal)))
      throw new Failure('nothing was signed');
  }
  const { number, streams } = await acceptHistory(places, key, reason, new Date().toISOString());
  process.stdout.write(`Accepted with checkpoint ${number}, at state:${streams.state.sequence}. \`./decklog start\` serves again.\n`);
}
