// Reads upstream's fixtures in every encoding; with --rewrite writes docs/fixtures.md anew: the diff is the review.
import { spawnSync } from 'node:child_process';

const rewrite = process.argv.includes('--rewrite') ? { DECKLOG_FIXTURES: 'rewrite' } : {};
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--selectProjects', 'int', '--testPathPatterns', 'libs/server/src/fixtures'],
  {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, ...rewrite },
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
