import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.join(__dirname, '..');

/** One deliberate violation of each rule: the file, what it imports, and the rule that must fire. */
const VIOLATIONS: readonly { readonly file: string; readonly text: string; readonly rule: string }[] = [
  { file: 'libs/apimachinery/src/a.ts', text: `import '#libs/api';`, rule: 'apimachinery-imports-only-its-own' },
  { file: 'libs/controllers/src/a.ts', text: `import '#libs/log';`, rule: 'controllers-imports-only-its-own' },
  { file: 'libs/registry/src/a.ts', text: `import '#libs/runtime';`, rule: 'registry-imports-only-its-own' },
  { file: 'libs/log/src/a.ts', text: `import 'node:fs';`, rule: 'log-does-no-io' },
  { file: 'libs/scheduling/src/a.ts', text: `import 'zod';`, rule: 'scheduling-does-no-io' },
  { file: 'libs/elsewhere/src/index.ts', text: `import './b.js';`, rule: 'every-room-is-in-the-table' },
  { file: 'libs/runtime/src/a.ts', text: `import 'nats';`, rule: 'drivers-only-in-adapters' },
  { file: 'libs/server/src/a.ts', text: `import '@nestjs/core';`, rule: 'nest-only-at-the-edge' },
  { file: 'libs/runtime/src/b.ts', text: `import '#libs/testing';`, rule: 'testing-only-in-specs' },
  { file: 'apps/scheduler/src/a.ts', text: `import '../../projector/src/index.js';`, rule: 'apps-do-not-import-apps' },
  { file: 'libs/server/src/c.ts', text: `import '../../runtime/src/d.js';`, rule: 'doors-not-windows' },
  { file: 'libs/runtime/src/e.ts', text: `import './f.js';`, rule: 'no-circular' },
];

describe('the house plan is checked by a program', () => {
  let dir: string;
  let fired: ReadonlySet<string>;

  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'decklog-plan-'));
    for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs', 'tools/rooms.cjs'])
      cpSync(path.join(root, file), path.join(dir, file), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(dir, 'node_modules'));
    const put = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      writeFileSync(path.join(dir, file), `${text}\nexport {};\n`);
    };
    for (const room of ['apimachinery', 'api', 'log', 'runtime', 'testing']) put(`libs/${room}/src/index.ts`, '');
    put('libs/elsewhere/src/b.ts', '');
    put('libs/runtime/src/d.ts', '');
    put('libs/runtime/src/f.ts', `import './e.js';`);
    put('apps/projector/src/index.ts', '');
    for (const { file, text } of VIOLATIONS) put(file, text);
    const run = spawnSync(
      process.execPath,
      [
        path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        '--config',
        '.dependency-cruiser.cjs',
        '-T',
        'json',
        'apps',
        'libs',
      ],
      { cwd: dir, encoding: 'utf8', maxBuffer: 64 << 20 },
    );
    const report = JSON.parse(run.stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
    fired = new Set(report.summary.violations.map(({ from, rule }) => `${from} ${rule.name}`));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each(VIOLATIONS)('$rule is reported when $file breaks it', ({ file, rule }) => {
    expect([...fired]).toContain(`${file} ${rule}`);
  });
});
