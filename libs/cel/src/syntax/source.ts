/** One thing wrong with an expression, and where: an offset in UTF-16 units. */
export interface Problem {
  readonly at: number;
  readonly message: string;
}

/** Thrown where an expression can't be read on. */
export class SyntaxProblem extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const points = (text: string): number => Array.from(text).length;

function display(source: string, { at, message }: Problem): string {
  const before = source.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  const lineNumber = before.split('\n').length;
  const column = points(before.slice(lineStart));
  const lineEnd = source.indexOf('\n', lineStart);
  const line = source.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).replaceAll('\t', ' ');
  return `ERROR: <input>:${lineNumber}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

/** The problems as cel-go prints them, each with its line and a pointer. */
export const displayProblems = (source: string, problems: readonly Problem[]): string =>
  [...problems]
    .sort((a, b) => a.at - b.at)
    .map((problem) => display(source, problem))
    .join('\n');
