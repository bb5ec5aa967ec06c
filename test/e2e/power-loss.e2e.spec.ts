import { Disk } from '../powerloss/disk.js';
import { powerCut } from '../powerloss/rounds.js';

jest.setTimeout(120_000);

/** Moments at which the power goes, in milliseconds. */
const CUTS = [350, 120, 900, 500];

describe('a log whose disk loses its power', () => {
  let disk: Disk;
  beforeEach(() => {
    disk = Disk.make();
  });
  afterEach(() => disk.remove());

  it('has everything that was acknowledged, and no half of a transaction, cut after cut', async () => {
    let acknowledged = 0;
    for (const [i, afterMs] of CUTS.entries()) {
      const round = await powerCut(disk, { round: `r${i}`, afterMs });
      expect(round).toMatchObject({ lost: [], torn: [] });
      acknowledged += round.acknowledged;
    }
    expect(acknowledged).toBeGreaterThan(100);
  });

  it('would not, were it flushed every two minutes as NATS does by itself: the cut is one', async () => {
    const { acknowledged, lost } = await powerCut(disk, { round: 'r', afterMs: 500, sync: '2m' });
    expect(acknowledged).toBeGreaterThan(100);
    expect(lost.length).toBeGreaterThan(0);
  });
});
