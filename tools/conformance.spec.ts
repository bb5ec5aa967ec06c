import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const root = path.join(__dirname, '..');
const folder = path.join(root, 'test/conformance');

/** The conformance tests of v1.36, in all. */
const TOTAL = 446;
const BEYOND = 'beyond-the-api.yaml';

/** One of upstream's tests: which specs of ours cover it (file: title), or why none does. */
interface Entry {
  readonly test: string;
  readonly file: string;
  readonly specs?: readonly Readonly<Record<string, string>>[];
  readonly not?: string;
}

const entries = readdirSync(folder)
  .filter((name) => name !== BEYOND)
  .flatMap((name) => parse(readFileSync(path.join(folder, name), 'utf8')) as readonly Entry[]);
const beyond = parse(readFileSync(path.join(folder, BEYOND), 'utf8')) as Readonly<Record<string, readonly string[]>>;

/** Whether a spec's source has a test or a group with just this title. */
function hasTitle(source: string, title: string): boolean {
  const written = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'");
  return new RegExp(`\\(\\s*(['"\`])${written}\\1,`).test(source);
}

const sources = new Map<string, string>();
function problemOf(file: string, title: string): string | undefined {
  if (!/\.spec\.ts$/.test(file) || !existsSync(path.join(root, file))) return `${file} is no spec`;
  const source = sources.get(file) ?? readFileSync(path.join(root, file), 'utf8');
  sources.set(file, source);
  return hasTitle(source, title) ? undefined : `${file} has no "${title}"`;
}

describe('the map of upstream’s conformance tests', () => {
  it('knows each of them, and says of each that needs only the API what covers it, or why nothing does', () => {
    const others = Object.values(beyond).flat();
    expect(entries.length + others.length).toBe(TOTAL);
    const undecided = entries.filter(({ specs = [], not = '' }) => (specs.length === 0) === (not === ''));
    expect(undecided.map(({ test }) => test)).toEqual([]);
  });

  it('names specs that are there, by titles that they have', () => {
    const problems = entries.flatMap(({ test, specs = [] }) =>
      specs.flatMap((spec) =>
        Object.entries(spec).flatMap(([file, title]) => {
          const problem = problemOf(file, title);
          return problem === undefined ? [] : [`${test}: ${problem}`];
        }),
      ),
    );
    expect(problems).toEqual([]);
  });

  it('would say where a title is gone', () => {
    const self = 'tools/conformance.spec.ts';
    expect(problemOf(self, 'would say where a title is gone')).toBeUndefined();
    expect(problemOf(self, 'would say where a' + ' title has moved')).toBe(`${self} has no "would say where a` + ` title has moved"`);
    expect(problemOf('libs/nowhere.spec.ts', 'anything')).toBe('libs/nowhere.spec.ts is no spec');
  });
});
