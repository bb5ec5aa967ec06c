// Plays every scenario against its golden file; with --rewrite writes the golden files anew: the diff is the review.
import { spawnSync } from 'node:child_process';

const rewrite = process.argv.includes('--rewrite') ? { DECKLOG_SCENARIOS: 'rewrite' } : {};
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--selectProjects', 'unit', '--testPathPatterns', 'libs/simulation/src/scenarios'],
  {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, ...rewrite },
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
