import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runScenario } from './scenario/run-scenario.js';

const FOLDER = path.join(__dirname, '../../../scenarios');
const REWRITE = process.env['DECKLOG_SCENARIOS'] === 'rewrite';

describe('scenarios', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'));

  it.each(files)('%s goes as its golden file says, and every decision in it can be computed again', async (file) => {
    const source = readFileSync(path.join(FOLDER, file), 'utf8');
    const golden = path.join(FOLDER, file.replace(/\.txt$/, '.golden'));
    const { transcript, recomputed } = await runScenario(source);
    const different = recomputed
      .filter(({ same }) => !same)
      .map(({ event, decision, change }) => ({ subject: event.subject, decision, change }));
    expect(different).toEqual([]);
    expect(recomputed.length).toBeGreaterThan(0);
    if (REWRITE) writeFileSync(golden, transcript);
    expect(existsSync(golden) ? readFileSync(golden, 'utf8') : '').toBe(transcript);
  });

  it('the same scenario plays the same twice', async () => {
    const [file = ''] = files;
    const source = readFileSync(path.join(FOLDER, file), 'utf8');
    const [first, second] = [await runScenario(source), await runScenario(source)];
    expect(second.transcript).toBe(first.transcript);
  });
});
