import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT_LOGGER } from '#libs/runtime';
import { openClock, parseClockFile } from './clock.js';

const FROM = Date.parse('2026-05-01T10:00:00Z');
const CEILING = '2026-05-01T10:00:30.000000Z';
const content = JSON.stringify({ now: '2026-05-01T10:00:00.000000Z', ceiling: CEILING, speed: 60 });

describe('the clock of a control plane', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-clock-'));
  const file = path.join(folder, 'clock.json');
  beforeEach(() => writeFileSync(file, content));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is the machine's where there is no file", () => {
    const before = Date.now();
    expect(openClock(undefined, SILENT_LOGGER).now()).toBeGreaterThanOrEqual(before);
  });

  it('begins where the clock before it can not have been, and stands until it is started', () => {
    expect(openClock(file, SILENT_LOGGER).now()).toBe(FROM + 30_000);
  });

  it('keeps a ceiling ahead of itself while it runs, and where it stands once it is stopped', () => {
    const clock = openClock(file, SILENT_LOGGER);
    clock.start();
    const running = parseClockFile(readFileSync(file, 'utf8'));
    expect(Date.parse(running.ceiling) - Date.parse(running.now)).toBe(180_000);
    clock.stop();
    const stopped = parseClockFile(readFileSync(file, 'utf8'));
    expect(stopped.ceiling).toBe(stopped.now);
    expect(openClock(file, SILENT_LOGGER).now()).toBe(Date.parse(stopped.now));
  });

  it.each([
    '{}',
    '{"now":"2026-05-01T10:00:00Z","ceiling":"then","speed":1}',
    '{"now":"2026-05-01T10:00:00Z","ceiling":"2026-05-01T10:00:00Z","speed":0}',
  ])('is refused where its file says %s', (text) => expect(() => parseClockFile(text)).toThrow(SyntaxError));
});
