import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { claimNodePorts, releaseNodePorts } from './node-port-claims.js';

describe('node ports of a machine', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'decklog-claims-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('belong to the first cluster that claims them', async () => {
    expect([...(await claimNodePorts('a', new Set(['tcp-30080']), dir)).held]).toEqual(['tcp-30080']);
    const second = await claimNodePorts('b', new Set(['tcp-30080', 'udp-30080']), dir);
    expect([...second.held]).toEqual(['udp-30080']);
    expect([...second.refused]).toEqual([['tcp-30080', 'a']]);
  });

  it('are held together by the nodes of one cluster', async () => {
    await claimNodePorts('a', new Set(['tcp-30080']), dir);
    expect([...(await claimNodePorts('a', new Set(['tcp-30080']), dir)).held]).toEqual(['tcp-30080']);
  });

  it('are free again once they are no longer wanted, or their cluster is gone', async () => {
    await claimNodePorts('a', new Set(['tcp-30080', 'tcp-30081']), dir);
    await claimNodePorts('a', new Set(['tcp-30081']), dir);
    expect([...(await claimNodePorts('b', new Set(['tcp-30080', 'tcp-30081']), dir)).held]).toEqual(['tcp-30080']);
    await releaseNodePorts('a', dir);
    expect([...(await claimNodePorts('b', new Set(['tcp-30080', 'tcp-30081']), dir)).held]).toEqual(['tcp-30080', 'tcp-30081']);
  });
});
