/** One line of a scenario: words, and what follows as `--option=value` or `--flag`. */
export interface Command {
  /** As written, for the golden file. */
  readonly text: string;
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** The lines of a block that the command opened with `<<`. */
  readonly block: string;
}

/** A line that is no command, or a command that can not be carried out: the scenario is wrong. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const SHORT: Readonly<Record<string, string>> = { n: 'namespace', A: 'all-namespaces', o: 'output', l: 'selector' };

function parse(text: string, block: string): Command {
  const words: string[] = [];
  const options = new Map<string, string>();
  const parts = text.split(/\s+/);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    const short = /^-([A-Za-z])$/.exec(part)?.[1];
    const long = /^--([a-z-]+)(?:=(.*))?$/.exec(part);
    if (short !== undefined) {
      const name = SHORT[short];
      if (name === undefined) throw new ScenarioError(`unknown option -${short}`);
      if (short === 'A') options.set(name, 'true');
      else options.set(name, parts[++i] ?? '');
    } else if (long) options.set(long[1] ?? '', long[2] ?? 'true');
    else words.push(part);
  }
  return { text, words, options, block };
}

/** The commands of a scenario. Comments and empty lines are kept, as commands without words. */
export function commandsOf(source: string): readonly Command[] {
  const lines = source.replace(/\n+$/, '').split('\n');
  const commands: Command[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').trimEnd();
    if (line === '' || line.startsWith('#')) {
      commands.push({ text: line, words: [], options: new Map(), block: '' });
      continue;
    }
    const block: string[] = [];
    if (line.endsWith(' <<')) {
      while (++i < lines.length && lines[i] !== '.') block.push(lines[i] ?? '');
      if (i >= lines.length) throw new ScenarioError(`"${line}" opens a block that no line "." closes`);
    }
    commands.push(parse(line.replace(/ <<$/, ''), block.join('\n')));
  }
  return commands;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time such as `6m` or `1m30s`, in milliseconds. */
export function durationMs(text: string): number {
  if (!/^(\d+[smhd])+$/.test(text)) throw new ScenarioError(`"${text}" is no length of time`);
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}
