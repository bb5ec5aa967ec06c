import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

import { instantOf, parseMoment } from '#libs/history';

/** What the commands need of the process they run in. */
export interface Surroundings {
  readonly signal: AbortSignal;
  /** From here on Ctrl-C aborts `signal` instead of ending the process. */
  readonly catchInterrupts: () => void;
  readonly setExitCode: (code: number) => void;
}

/** One command: adds itself to the program. */
export type AddCommand = (program: Command, around: Surroundings) => void;

/** Adds the option that says which cluster a command is about. */
export function profileOption(command: Command): Command {
  return command.option('-p, --profile <name>', 'which cluster (default: decklog)');
}

/** The profile by the command's own option or the program's. */
export function profileOf(command: Command): string {
  return command.optsWithGlobals<{ profile?: string }>().profile ?? 'decklog';
}

/** A whole number of up to nine digits. Throws InvalidArgumentError. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A port that can be listened on. Throws InvalidArgumentError. */
export function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('A port is from 1 to 65535.');
  return port;
}

/** A URL of one of the schemes. Throws InvalidArgumentError. */
export function url(...schemes: readonly string[]): (text: string) => string {
  return (text) => {
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : '';
    if (!schemes.includes(scheme))
      throw new InvalidArgumentError(`It must be a URL that starts with ${schemes.map((one) => `${one}://`).join(' or ')}.`);
    return text;
  };
}

/** One or several such URLs with commas: servers that keep one log. Throws InvalidArgumentError. */
export function urls(...schemes: readonly string[]): (text: string) => string {
  const one = url(...schemes);
  return (text) => text.split(',').map(one).join(',');
}

/** The moment in milliseconds that an age or an RFC 3339 time names. Throws InvalidArgumentError. */
export function moment(text: string): number {
  const named = parseMoment(text);
  const found = named && instantOf(named, Date.now());
  if (found === undefined) throw new InvalidArgumentError('It must be like 90m, 2h, 1d or 2026-01-02T03:04:05Z.');
  return found;
}

/** `-o text|json`, for what is no list of objects. */
export const outputOption = () => new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');
