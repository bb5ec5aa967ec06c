import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { decode, DEFINITIONS, isServed, MODELS, type ResourceDefinition } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { parseObject } from './encoding/body.js';
import { mediaTypeOfFormat, type Format } from './encoding/negotiate.js';
import { encoded } from './encoding/respond.js';
import { REVIEWS } from './authorization/reviews.js';

/** Upstream's `k8s.io/api/testdata`, which `./decklog prepare` fetches. */
const TESTDATA = join(process.env['DECKLOG_CACHE'] ?? join(homedir(), '.cache', 'decklog'), 'upstream-1.36', 'testdata');
const PAGE = join(__dirname, '../../../docs/fixtures.md');
const REWRITE = process.env['DECKLOG_FIXTURES'] === 'rewrite';
const FILES: Readonly<Record<Format, string>> = { json: 'json', yaml: 'yaml', protobuf: 'pb' };
const FORMATS: readonly Format[] = ['json', 'yaml', 'protobuf'];

/** One kind's three files. */
interface Fixture {
  /** `apps.v1.Deployment`, as the files are named. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly model: string;
}

/** The types of stable groups; `WatchEvent` is no object but a frame around one. */
function fixturesOf(folder: string): readonly Fixture[] {
  if (!existsSync(TESTDATA)) throw new Error(`upstream's fixtures are needed in ${TESTDATA}: run ./decklog prepare`);
  const names = readdirSync(join(TESTDATA, folder)).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []));
  return names.flatMap((name) => {
    const [, group = '', version = '', kind = ''] = /^(.*)\.(v\d+)\.(\w+)$/.exec(name) ?? [];
    if (version === '' || kind === 'WatchEvent') return [];
    const api = `io.k8s.api.${group.split('.')[0] ?? ''}.${version}.${kind}`;
    const model = Object.hasOwn(MODELS, api) ? api : `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;
    return [{ name, group: group === 'core' ? '' : group, version, kind, model }];
  });
}

const bytesOf = (folder: string, { name }: Fixture, format: Format): Buffer =>
  readFileSync(join(TESTDATA, folder, `${name}.${FILES[format]}`));

/** What the server makes of a body, and what it does not know of it. */
function read(folder: string, fixture: Fixture, format: Format): { readonly object: KubeObject; readonly unknown: readonly string[] } {
  const { value } = parseObject(mediaTypeOfFormat(format), bytesOf(folder, fixture, format), fixture.kind, true);
  const { object, unknown } = decode(fixture.model, value, { strict: true });
  // The server writes an object's kind first, as upstream does.
  const { kind, apiVersion, ...rest } = object;
  return { object: { kind, apiVersion, ...rest } as KubeObject, unknown };
}

/** The file that the server would write; JSON is indented there. */
const written = (object: KubeObject, format: Format): Buffer =>
  format === 'json' ? Buffer.from(JSON.stringify(object, null, 2)) : encoded(object, format);

const served: readonly ResourceDefinition[] = [...DEFINITIONS.filter(isServed), ...REVIEWS];

function servedAs({ group, version, kind }: Fixture): string {
  const found = served.find(({ resource, kind: own }) => resource.group === group && resource.version === version && own === kind);
  if (found) return found.resource.resource;
  for (const { resource, subresources } of served) {
    const part = subresources.find(
      (one) => one.kind === kind && (one.group ?? resource.group) === group && (one.version ?? resource.version) === version,
    );
    if (part) return `${resource.resource}/${part.name}`;
  }
  return '';
}

describe("upstream's fixtures of every stable kind", () => {
  const fixtures = fixturesOf('HEAD');

  describe.each(FORMATS)('as %s', (format) => {
    it.each(fixtures.map((fixture) => [fixture.name, fixture] as const))('%s is read and written byte for byte', (_, fixture) => {
      const { object, unknown } = read('HEAD', fixture, format);
      expect(unknown).toEqual([]);
      expect(object).toEqual(read('HEAD', fixture, 'json').object);
      expect(written(object, format).equals(bytesOf('HEAD', fixture, format))).toBe(true);
    });
  });

  it('are all of those that the server serves and upstream has a fixture of', () => {
    const names = new Set(fixtures.map(({ group, version, kind }) => `${group}/${version}/${kind}`));
    const without = served.filter(
      ({ resource, kind, model }) => model.startsWith('io.k8s.api.') && !names.has(`${resource.group}/${resource.version}/${kind}`),
    );
    expect(without.map(({ kind }) => kind)).toEqual([]);
  });

  it('are listed in docs/fixtures.md', () => {
    const text = page(fixtures);
    if (REWRITE) writeFileSync(PAGE, text);
    expect(readFileSync(PAGE, 'utf8')).toBe(text);
  });
});

describe.each(['v1.33.0', 'v1.34.0', 'v1.35.0'])("upstream's fixtures of %s", (folder) => {
  it.each(fixturesOf(folder).map((fixture) => [fixture.name, fixture] as const))(
    '%s is read as the same object in all encodings',
    (_, fixture) => {
      const { object } = read(folder, fixture, 'json');
      expect(object.kind).toBe(fixture.kind);
      for (const format of FORMATS) expect(read(folder, fixture, format).object).toEqual(object);
    },
  );
});

function page(fixtures: readonly Fixture[]): string {
  const rows = fixtures.map((fixture) => {
    const { group, version, kind } = fixture;
    const results = FORMATS.map((format) => {
      const { object, unknown } = read('HEAD', fixture, format);
      return unknown.length === 0 && written(object, format).equals(bytesOf('HEAD', fixture, format)) ? 'yes' : 'no';
    });
    return `| ${group === '' ? version : `${group}/${version}`} | ${kind} | ${servedAs(fixture)} | ${results.join(' | ')} |`;
  });
  return `# Upstream's fixtures

\`k8s.io/api/testdata/HEAD\` (Debian's golang-k8s-api-dev, v1.36) holds an object of every kind with every field set. A "yes"
says that the server reads the file in that encoding, knows every field of it, and writes it again byte for byte. Kinds of
v1.33 to v1.35 are read too. Written by \`npm run fixtures -- --rewrite\`; \`libs/server/src/fixtures.int.spec.ts\` checks it.

| Version | Kind | Served as | JSON | YAML | Protobuf |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
