import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

import { Option, type Command } from 'commander';
import { Document, visit } from 'yaml';

import { codeOf } from '../failure.js';
import { PAINTED, PLAIN, type Paint } from './text.js';

/** How a command may print: for people (in more columns: wide), or as objects. */
export type Format = 'text' | 'wide' | 'json' | 'yaml' | 'name';

/** What the options of `printOptions` are read into. */
export interface PrintOptions {
  readonly output?: string;
  readonly color: 'auto' | 'always' | 'never';
  readonly pager: boolean;
}

/** Where the text of a command goes. */
export interface Paper {
  readonly paint: Paint;
  /** How many columns there are; undefined where it is no terminal: nothing is wrapped then. */
  readonly width: number | undefined;
  /** Resolves when there is room for more; false where nobody reads on: there is no use in going on. */
  write(text: string): Promise<boolean>;
}

/** The environment of a process, as far as it says how to print. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Adds `-o` (with formats of the command's own), `--color` and `--no-pager`. */
export function printOptions(command: Command, more: readonly string[] = [], without: readonly Format[] = []): Command {
  const formats = ['json', 'yaml', 'name', 'wide'].filter((one) => !without.some((other) => other === one));
  return command
    .addOption(new Option('-o, --output <format>', 'how to print (default: for people)').choices([...formats, ...more]))
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('--no-pager', 'no pager for what is longer than the screen');
}

/** Whether to print colours: on a terminal that has some, unless somebody said otherwise. */
export function coloured(when: PrintOptions['color'], isTTY: boolean, env: Environment): boolean {
  if (when !== 'auto') return when === 'always';
  return isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** The command that pages, as a shell takes it; undefined: none. */
export function pagerOf(isTTY: boolean, asked: boolean, env: Environment): string | undefined {
  if (!isTTY || !asked || env['TERM'] === 'dumb') return undefined;
  const named = env['PAGER'];
  if (named === undefined) return 'if command -v less >/dev/null; then exec less; fi; exec cat';
  return named === '' || named === 'cat' ? undefined : named;
}

/** The screen as a process has it. */
export interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Most lines held back to see whether they fit the screen. */
const MOST_ROWS = 1_000;

/**
 * Runs what prints. On a terminal the text is held back until it is longer than the screen, and then shown by a pager; `live` (what
 * follows) is never paged.
 */
export async function printed(
  options: PrintOptions,
  work: (paper: Paper) => Promise<void>,
  { live = false, screen = process.stdout, env = process.env }: { live?: boolean; screen?: Screen; env?: Environment } = {},
): Promise<void> {
  const isTTY = screen.isTTY === true;
  const pager = live ? undefined : pagerOf(isTTY, options.pager, env);
  const out = pager === undefined ? new Straight(screen) : new Paged(screen, pager, Math.min(screen.rows ?? 24, MOST_ROWS), env);
  const paper: Paper = {
    paint: coloured(options.color, isTTY, env) ? PAINTED : PLAIN,
    width: isTTY ? Math.max(screen.columns ?? 80, 40) : undefined,
    write: (text) => out.write(text),
  };
  try {
    await work(paper);
  } finally {
    await out.end();
  }
}

interface Out {
  write(text: string): Promise<boolean>;
  end(): Promise<void>;
}

/** Writes and waits for room. A reader that has gone (EPIPE) ends it quietly. */
async function put(stream: Writable, text: string): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return false;
  if (stream.write(text)) return true;
  try {
    await once(stream, 'drain');
    return true;
  } catch (error) {
    if (codeOf(error) === 'EPIPE') return false;
    throw error;
  }
}

class Straight implements Out {
  constructor(private readonly stream: Writable) {}
  write(text: string): Promise<boolean> {
    return put(this.stream, text);
  }
  end(): Promise<void> {
    return Promise.resolve();
  }
}

class Paged implements Out {
  private held = '';
  private lines = 0;
  private child: ChildProcess | undefined;
  private ended: Promise<unknown> | undefined;
  private sink: Writable | undefined;

  constructor(
    private readonly screen: Writable,
    private readonly command: string,
    private readonly rows: number,
    private readonly env: Environment,
  ) {}

  async write(text: string): Promise<boolean> {
    if (this.sink !== undefined) return put(this.sink, text);
    this.held += text;
    this.lines += text.split('\n').length - 1;
    if (this.lines < this.rows) return true;
    const { held } = this;
    this.held = '';
    this.sink = await this.open();
    return put(this.sink, held);
  }

  async end(): Promise<void> {
    if (this.sink === undefined) {
      await put(this.screen, this.held);
      return;
    }
    if (this.child === undefined) return;
    this.sink.end();
    await this.ended;
    process.off('SIGINT', ignored);
  }

  /** The pager's input; the screen itself where the pager does not start. */
  private async open(): Promise<Writable> {
    // As git: quits where all fits, passes colours through, leaves the text on the screen.
    const env = { ...this.env, LESS: this.env['LESS'] ?? 'FRX', LV: this.env['LV'] ?? '-c' };
    const child = spawn('sh', ['-c', this.command], { stdio: ['pipe', 'inherit', 'inherit'], env });
    try {
      await once(child, 'spawn');
    } catch {
      return this.screen;
    }
    // The pager decides what Ctrl-C means.
    process.on('SIGINT', ignored);
    child.stdin.on('error', () => undefined);
    this.child = child;
    this.ended = once(child, 'close');
    return child.stdin;
  }
}

const ignored = (): void => undefined;

/** Characters that JSON leaves as they are and that may steer a terminal. */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (text: string): string => text.replace(UNSAFE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A value as `-o json` prints it: as kubectl, indented by four. */
export const jsonText = (value: unknown): string => `${escaped(JSON.stringify(value, undefined, 4))}\n`;

/** A value as one line of JSON. */
export const jsonLine = (value: unknown): string => `${escaped(JSON.stringify(value))}\n`;

/** A value as `-o yaml` prints it. What could steer a terminal is escaped: such strings stand in quotes. */
export function yamlText(value: unknown): string {
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && node.value.search(UNSAFE) >= 0) node.type = 'QUOTE_DOUBLE';
    },
  });
  return escaped(document.toString({ lineWidth: 0 }));
}
