import { PassThrough } from 'node:stream';

import { coloured, jsonLine, pagerOf, printed, yamlText, type Screen } from './output.js';
import { columns, PAINTED, printable, wrapped } from './text.js';
import { parse } from 'yaml';

const STEERS = 'a\u001b[2J\u009b31m\u202etxt';

describe('what came from the cluster', () => {
  it('steers no terminal and turns no letters about', () => {
    expect(printable(`${STEERS}\nb`)).toBe('a?[2J?31m?txt?b');
  });

  it('keeps its value in JSON and YAML without being able to', () => {
    const value = { [STEERS]: STEERS, plain: 'a: b' };
    for (const text of [jsonLine(value), yamlText(value)]) expect(text.replace(/\n/g, '')).toMatch(/^[ -~]+$/);
    expect(JSON.parse(jsonLine(value))).toEqual(value);
    expect(parse(yamlText(value))).toEqual(value);
  });
});

describe('colours', () => {
  it.each([
    ['a terminal has them', 'auto', true, {}, true],
    ['a pipe has none', 'auto', false, {}, false],
    ['NO_COLOR takes them away', 'auto', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR says nothing', 'auto', true, { NO_COLOR: '' }, true],
    ['a dumb terminal has none', 'auto', true, { TERM: 'dumb' }, false],
    ['--color=always puts them into a pipe', 'always', false, { NO_COLOR: '1' }, true],
    ['--color=never takes them away', 'never', true, {}, false],
  ] as const)('%s', (_, when, isTTY, env, expected) => {
    expect(coloured(when, isTTY, env)).toBe(expected);
  });

  it('end with each line, since pagers forget them there', () => {
    expect(PAINTED('red', 'a\nb')).toBe('\x1b[31ma\x1b[39m\n\x1b[31mb\x1b[39m');
  });
});

describe('the pager', () => {
  it.each([
    ['is the one of PAGER', true, true, { PAGER: 'most -s' }, 'most -s'],
    ['is none without a terminal', false, true, { PAGER: 'most' }, undefined],
    ['is none with --no-pager', true, false, { PAGER: 'most' }, undefined],
    ['is none on a dumb terminal', true, true, { TERM: 'dumb' }, undefined],
    ['is none where PAGER is empty', true, true, { PAGER: '' }, undefined],
  ] as const)('%s', (_, isTTY, asked, env, expected) => {
    expect(pagerOf(isTTY, asked, env)).toBe(expected);
  });

  const screenOf = (isTTY: boolean): { screen: Screen; text: () => string } => {
    const screen: PassThrough & { isTTY?: boolean; rows?: number } = new PassThrough();
    screen.isTTY = isTTY;
    screen.rows = 3;
    return { screen, text: () => String(screen.read() ?? '') };
  };
  const options = { color: 'auto', pager: true } as const;

  it('is not started for what fits the screen', async () => {
    const { screen, text } = screenOf(true);
    await printed(options, async ({ write }) => void (await write('a\nb\n')), {
      screen,
      env: { PAGER: 'exit 1', PATH: process.env['PATH'] },
    });
    expect(text()).toBe('a\nb\n');
  });

  it('gets everything of what does not fit, and may end before it has read it', async () => {
    const { screen, text } = screenOf(true);
    const many = `${'x'.repeat(70)}\n`.repeat(5_000);
    const went: boolean[] = [];
    await printed(
      options,
      async ({ write }) => {
        for (let i = 0; i < 5; i++) went.push(await write(many));
      },
      { screen, env: { PAGER: 'head -c 1 >/dev/null', PATH: process.env['PATH'] } },
    );
    expect(text()).toBe('');
    expect(went.length).toBe(5);
  });

  it('is never between a pipe and its reader, nor before what is followed', async () => {
    for (const [isTTY, live] of [
      [false, false],
      [true, true],
    ] as const) {
      const { screen, text } = screenOf(isTTY);
      await printed(options, async ({ write }) => void (await write('a\nb\nc\nd\n')), { screen, live, env: { PAGER: 'exit 1' } });
      expect(text()).toBe('a\nb\nc\nd\n');
    }
  });
});

describe('columns', () => {
  const rows = [
    ['state-12', 'alice', ['spec.replicas: 1 -> 3', '+label tier=web']],
    ['state-3', 'bob', 'created'],
  ];

  it('are kubectl’s, and one line a row, where there is no screen', () => {
    expect(columns(['REVISION', 'WHO', 'CHANGES'], rows, undefined)).toEqual([
      'REVISION   WHO     CHANGES',
      'state-12   alice   spec.replicas: 1 -> 3; +label tier=web',
      'state-3    bob     created',
    ]);
  });

  it('have a line for each thing said, and break it at spaces, on a screen', () => {
    expect(columns(['REVISION', 'WHO', 'CHANGES'], [['state-12', 'alice', [`${'word '.repeat(9)}end`, 'b']]], 60)).toEqual([
      'REVISION   WHO     CHANGES',
      'state-12   alice   word word word word word word word word',
      '                   word end',
      '                   b',
    ]);
  });

  it('put the last one under its row where there is no room beside it', () => {
    expect(columns(['REVISION', 'WHO', 'CHANGES'], [['state-12', 'a-very-long-name', 'spec.replicas: 1 -> 300000']], 50)).toEqual([
      'REVISION   WHO',
      'state-12   a-very-long-name',
      '    spec.replicas: 1 -> 300000',
    ]);
  });

  it('count no colours', () => {
    expect(
      columns(
        ['A', 'B'],
        [
          [PAINTED('red', 'x'), 'y'],
          ['long', 'z'],
        ],
        undefined,
      ),
    ).toEqual(['A      B', '\x1b[31mx\x1b[39m      y', 'long   z']);
  });

  it('break no word', () => {
    expect(wrapped('a longlonglong b', 5)).toEqual(['a', 'longlonglong', 'b']);
  });
});
