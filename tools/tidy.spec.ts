import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 16 << 20,
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));
const sources = files.filter((file) => /\.(ts|mjs|cjs)$/.test(file) && !file.includes('/generated/'));
const read = (file: string): readonly string[] => readFileSync(path.join(root, file), 'utf8').split('\n');
const where = (file: string, at: number): string => `${file}:${at + 1}`;

/** The places in the given files where a line breaks a rule. */
const offenders = (among: readonly string[], broken: (line: string, file: string) => boolean): readonly string[] =>
  among.flatMap((file) => read(file).flatMap((line, at) => (broken(line, file) ? [where(file, at)] : [])));

describe('tidy', () => {
  it('has no line over 160 characters in its sources', () => {
    const tables = /\.spec\.ts$/;
    expect(
      offenders(
        sources.filter((file) => !tables.test(file) && file.startsWith('libs')),
        (line) => line.length > 160,
      ),
    ).toEqual([]);
  });

  it('leaves no work for later in a comment', () => {
    const later = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
    expect(offenders(sources, (line) => later.test(line))).toEqual([]);
  });

  it('runs every test', () => {
    const switched = /\b(describe|it|test)\.(only|skip|todo)\b|\bx(it|describe)\(|\bf(it|describe)\(/;
    expect(
      offenders(
        sources.filter((file) => file.endsWith('.spec.ts') && !file.startsWith('tools/')),
        (line) => switched.test(line),
      ),
    ).toEqual([]);
  });

  it('names a folder after what it knows', () => {
    expect(sources.filter((file) => /(^|\/)(utils|common|shared|helpers|services|interfaces)(\/|\.ts$)/.test(file))).toEqual([]);
  });

  it('has every room and every setting in the tables of docs/architecture.md', () => {
    const rows = new Set(
      read('docs/architecture.md').flatMap((line) =>
        [...(/^\| ([^|]*) \|/.exec(line)?.[1]?.matchAll(/`([^`]+)`/g) ?? [])].map(([, name]) => name),
      ),
    );
    const rooms = files.flatMap((file) => /^libs\/([^/]+)\/src\/index\.ts$/.exec(file)?.[1] ?? []);
    const settings = ['libs/platform/src/config.ts', 'apps/kubelet/src/config.ts'].flatMap((file) =>
      read(file).flatMap((line) => /^ {4}([A-Z][A-Z_]+): /.exec(line)?.[1] ?? []),
    );
    expect(settings.length).toBeGreaterThan(20);
    expect([...rooms, ...settings].filter((name) => !rows.has(name))).toEqual([]);
  });

  it('says of each change what it is to whoever runs the cluster', () => {
    const changes = files.filter((file) => file.startsWith('changes/'));
    expect(changes.filter((file) => !/^(Added|Changed|Fixed|Removed)\n\n[^\n]+\.\n$/.test(read(file).join('\n')))).toEqual([]);
  });

  it('says what each export of a room is', () => {
    const reachable = (index: string): readonly string[] =>
      read(index).flatMap((line) => {
        const target = /^export (?:type )?\* from '(\..+)\.js';/.exec(line)?.[1];
        const file = target ? path.join(path.dirname(index), `${target}.ts`) : undefined;
        return file && existsSync(path.join(root, file)) ? [file, ...reachable(file)] : [];
      });
    const rooms = files.filter((file) => /^libs\/[^/]+\/src\/index\.ts$/.test(file) && !file.startsWith('libs/testing/'));
    const bare = rooms.flatMap((index) => [...new Set(reachable(index))]).filter((file) => !file.includes('/generated/'));
    const undocumented = [...new Set(bare)].flatMap((file) => {
      const lines = read(file);
      return lines.flatMap((line, at) => {
        if (!/^export (abstract )?(async )?(const|function|class|interface|type) \w/.test(line)) return [];
        const before =
          lines
            .slice(0, at)
            .findLast((above) => !above.startsWith('@'))
            ?.trim() ?? '';
        const sibling = /^export const \w+.*;$/.test(before) || /^export function/.test(before);
        return before.endsWith('*/') || sibling ? [] : [where(file, at)];
      });
    });
    expect(undocumented).toEqual([]);
  });
});
