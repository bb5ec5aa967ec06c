import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeMeta, encodeMeta, evolve, SCHEMA, upcast, type Recorded } from './index.js';

interface Sample {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const FOLDER = path.join(__dirname, 'samples');
const DIGESTS = JSON.parse(readFileSync(path.join(FOLDER, 'digests.json'), 'utf8')) as Readonly<Record<string, string>>;
const FILES = readdirSync(FOLDER)
  .filter((name) => /^schema-\d+(-.*)?\.json$/.test(name))
  .sort();
const textOf = (file: string): string => readFileSync(path.join(FOLDER, file), 'utf8');
const sampleOf = (file: string): Sample => JSON.parse(textOf(file)) as Sample;

function stored(file: string): Recorded {
  const { subject, headers, body } = sampleOf(file);
  const read = new Map(Object.entries(headers));
  const meta = decodeMeta((name) => read.get(name), 'state', 12);
  return { stream: 'state', sequence: 12, subject, time: 0, meta, body: new TextEncoder().encode(body) };
}

/** What releases have stored is read by all that follow: a sample is added for each new schema, and none is ever changed. */
describe('samples of events', () => {
  it('are there of every schema up to the present one', () => {
    const schemas = new Set(FILES.map((file) => Number(/^schema-(\d+)/.exec(file)?.[1])));
    expect([...schemas]).toEqual(Array.from({ length: SCHEMA }, (_, i) => i + 1));
  });

  it.each(FILES)('%s is what it was', (file) => {
    expect([file, createHash('sha256').update(textOf(file)).digest('hex')]).toEqual([file, DIGESTS[file]]);
  });

  it('are all kept: none was taken away', () => {
    expect(FILES).toEqual(Object.keys(DIGESTS).sort());
  });

  it.each(FILES)('%s is read by this build, and becomes an object', (file) => {
    const event = upcast(stored(file));
    expect(event.meta.schema).toBe(SCHEMA);
    if (event.meta.encoding !== 'json' || event.meta.type === 'Deleted') return;
    expect(evolve(undefined, event)).toMatchObject({ metadata: { resourceVersion: '12' } });
  });

  it.each(FILES.filter((file) => stored(file).meta.schema === SCHEMA))('%s is written by this build as it was', (file) => {
    expect(Object.fromEntries(encodeMeta(stored(file).meta))).toEqual(sampleOf(file).headers);
  });

  it.each(FILES)('%s of the next schema is refused, never skipped', (file) => {
    const event = stored(file);
    expect(() => upcast({ ...event, meta: { ...event.meta, schema: SCHEMA + 1 } })).toThrow(`this build knows up to ${SCHEMA}`);
  });
});
