import { ensureEngine, ensureNetworkTools } from './engine.js';
import { Failure } from './failure.js';
import { kubectl, natsServer } from './programs.js';
import type { Terminal } from './terminal.js';
import { upstreamFolder } from './upstream.js';

/**
 * Installs, fetches and starts what a cluster with real containers needs on this machine, without making one. Fails where
 * containers can't be had: nothing is pretended here.
 */
export async function prepare(terminal: Terminal): Promise<void> {
  await terminal.step('🐳', 'Container engine', async (say) => {
    const { title, runtime } = await ensureEngine('docker', say);
    if (runtime !== 'docker') throw new Failure('real containers can not run here');
    say(title);
    await ensureNetworkTools(say);
  });
  await terminal.step('🗒️ ', 'nats-server and kubectl', async (say) => {
    for (const program of [await natsServer(say), await kubectl(say)]) say(`${program.path} ${program.version.text}`);
  });
  await terminal.step('📚', "Upstream's fixtures and descriptions", async (say) => say(await upstreamFolder(say)));
}
