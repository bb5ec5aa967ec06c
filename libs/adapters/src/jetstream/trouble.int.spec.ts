import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { EventUnreadable, LogUnavailable, type AppendWrite } from '#libs/log';
import { appended, configMapWrite, startNats, type TestServer } from '#libs/testing';
import { connectLog, type JetStreamLog } from './jetstream-log.js';
import { NOBODY, type Refusal } from './observer.js';

const CLUSTER = randomUUID().slice(0, 8);

jest.setTimeout(90_000);

describe('a log whose server is in trouble', () => {
  let server: TestServer;
  let log: JetStreamLog;
  const refused: Refusal[] = [];
  let written = 0;

  beforeAll(async () => {
    server = await startNats('', { room: '6MB' });
    const observer = { ...NOBODY, refused: (refusal: Refusal): void => void refused.push(refusal) };
    log = await connectLog({ url: server.url, cluster: CLUSTER, patienceMs: 1_500, observer });
  });

  afterAll(async () => {
    await log.close();
    await server.stop();
  });

  /** What does not get smaller when it is compressed. */
  const bulky = (): AppendWrite => configMapWrite(CLUSTER, `bulky-${++written}`, 0, randomBytes(256 * 1024).toString('base64'));
  const unavailable = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'stored',
      (error: unknown) => (error instanceof LogUnavailable ? error.reason : error),
    );
  const sequences = async (): Promise<readonly number[]> => {
    const last = await log.last('state');
    const read: number[] = [];
    if (last > 0)
      for await (const { events } of log.read('state', 0, { until: last })) read.push(...events.map(({ sequence }) => sequence));
    return read;
  };

  it('has no room: what is refused is named, nothing of a batch is stored, all is read; with more room it goes on', async () => {
    let stored = 0;
    let answer = await unavailable(appended(log, 'state', [bulky()]));
    for (; answer === 'stored' && stored < 64; answer = await unavailable(appended(log, 'state', [bulky()]))) stored++;
    expect(answer).toBe('NoSpace');
    expect(refused).toContain('NoSpace');
    expect(await unavailable(log.append('state', [bulky(), bulky(), bulky()]))).toBe('NoSpace');
    expect(await log.last('state')).toBe(stored);
    expect(await sequences()).toHaveLength(stored);
    await server.kill();
    const settings = join(server.folder, 'server.conf');
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('6MB', '600MB'));
    await server.start();
    while ((await unavailable(appended(log, 'state', [bulky()]))) !== 'stored');
    expect(await sequences()).toHaveLength(stored + 1);
  });

  it('holds what is no event: whoever reads is told which, after everything before it', async () => {
    const before = await log.last('state');
    const stranger = await connect({ servers: server.url });
    await stranger.jetstream().publish(`decklog.${CLUSTER}.state.core.configmaps.default.rubbish`, 'rubbish');
    await stranger.close();
    await appended(log, 'state', [configMapWrite(CLUSTER, 'after')]);
    let through = 0;
    const reading = (async () => {
      for await (const batch of log.read('state', 0)) through = batch.through;
    })();
    await expect(reading).rejects.toThrow(EventUnreadable);
    await expect(reading).rejects.toThrow(`state:${before + 1} can't be read`);
    expect(through).toBe(before);
  });
});
