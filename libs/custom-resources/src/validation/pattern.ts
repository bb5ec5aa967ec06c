import { RE2JS } from 're2js';

/** A regular expression that takes time in proportion to the text, whatever it says. */
export interface Pattern {
  readonly source: string;
  readonly matches: (text: string) => boolean;
}

/** A pattern that is none, with Go's sentence about it. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Compiles a pattern of Go's syntax. Throws PatternError. */
export function compilePattern(source: string): Pattern {
  try {
    const compiled = RE2JS.compile(source);
    return { source, matches: (text) => compiled.matcher(text).find() };
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : String(error));
  }
}
