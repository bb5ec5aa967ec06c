import type { ClusterStatus } from './status.js';
import { statusOf } from './status.js';
import { foldersOf, loadCluster, profileNames } from './profile.js';
import { plainTable } from './table.js';

/** The status of every profile of this user. */
export async function allProfiles(): Promise<readonly ClusterStatus[]> {
  const names = await profileNames();
  return Promise.all(
    names.map(async (name) => {
      const cluster = await loadCluster(name).catch(() => undefined);
      return statusOf(name, cluster, foldersOf(name));
    }),
  );
}

export function profilesText(profiles: readonly ClusterStatus[]): string {
  const rows = profiles.map(({ profile, state, runtime, layout, nodes, apiServer }) => [
    profile,
    state,
    runtime ?? '-',
    layout ?? '-',
    String(nodes ?? '-'),
    apiServer ?? '-',
  ]);
  return plainTable(['PROFILE', 'STATE', 'RUNTIME', 'LAYOUT', 'NODES', 'APISERVER'], rows);
}
