import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { InvalidArgumentError, type Command } from 'commander';
import { MOMENT_FORMS, parseMoment, parseSpeed, SPEED_FORMS } from '#libs/history';

import { Failure } from '../failure.js';
import { runKubectl } from '../kubectl.js';
import { profileOf, type Surroundings } from '../options.js';
import { foldersOf } from '../profile.js';
import { kubectl } from '../programs.js';
import { sessionOptions, withSession, type Session, type SessionOptions } from './session.js';

interface Given extends SessionOptions {
  readonly speed?: string;
}

/** A moment as it goes into a path. Throws InvalidArgumentError. */
export function pastMoment(text: string): string {
  if (parseMoment(text) === undefined) throw new InvalidArgumentError(`It must be ${MOMENT_FORMS}.`);
  return text;
}

function pace(text: string): string {
  if (parseSpeed(text) === undefined) throw new InvalidArgumentError(`It must be ${SPEED_FORMS}.`);
  return text;
}

/**
 * The moment that all of one command's requests are about, as the server understands it: an age or `now` is of another
 * moment with each request. A sequence stays as it is. Fails where the server knows of no such moment.
 */
export async function settledMoment(session: Session, moment: string): Promise<string> {
  const answer = await session.at(moment).transport.stream({ method: 'GET', path: '/version' });
  answer.resume();
  const time = answer.headers['decklog-at'];
  if (typeof time !== 'string') throw new Failure(`the API server ${session.server} knows no past`, ['Is it one of Decklog?']);
  return parseMoment(moment)?.kind === 'sequence' ? moment : time;
}

/** What kubectl is told before its own arguments. */
export function kubectlArguments(
  { server, serverName }: Pick<Session, 'server' | 'serverName'>,
  moment: string,
  { speed, context, as, asGroup = [], asUid }: Omit<Given, 'kubeconfig'>,
): readonly string[] {
  const option = (name: string, value: string | undefined): readonly string[] => (value === undefined ? [] : [`--${name}=${value}`]);
  return [
    `--server=${server.replace(/\/+$/, '')}/at/${moment}${speed === undefined ? '' : `;speed=${speed}`}`,
    ...option('tls-server-name', serverName),
    ...option('context', context),
    ...option('as', as),
    ...asGroup.flatMap((group) => option('as-group', group)),
    ...option('as-uid', asUid),
  ];
}

/** `decklog at`: kubectl against the cluster as it was. */
export function addAt(program: Command, around: Surroundings): void {
  sessionOptions(program.command('at'))
    .description('kubectl against the cluster as it was: decklog at 10m -- get pods -A -o wide')
    .argument('<moment>', `${MOMENT_FORMS}`, pastMoment)
    .argument('[args...]', "kubectl's own, after --")
    .option('--speed <n>', 'of a watch: how many times faster than it happened (1x, 10x, max; default: 1x)', pace)
    .action(async (moment: string, args: readonly string[], given: Given, command: Command) => {
      if (args.length === 0) throw new Failure('nothing is asked', ['Say what, as to kubectl: `decklog at 10m -- get pods -A`.'], 2);
      const found = await kubectl((text) => void process.stderr.write(`${text}\n`));
      const before = await withSession(command, async (session) => kubectlArguments(session, await settledMoment(session, moment), given));
      // What was served then is nothing that a later kubectl should remember.
      const cache = await mkdtemp(join(tmpdir(), 'decklog-at-'));
      try {
        const kubeconfig = given.kubeconfig === undefined ? undefined : resolve(given.kubeconfig);
        const own = given.context === undefined ? foldersOf(profileOf(command)).kubeconfig : undefined;
        const file = kubeconfig ?? own;
        const env = { ...process.env, KUBECACHEDIR: cache, ...(file === undefined ? {} : { KUBECONFIG: file }) };
        around.setExitCode(await runKubectl(found.path, env, [...before, ...args]));
      } finally {
        await rm(cache, { recursive: true, force: true });
      }
    });
}
