import { join } from 'node:path';

import type { Cluster } from '../cluster.js';
import type { Folders } from '../profile.js';

/** The folder of what was archived of a cluster: where it was told to, otherwise in the profile's own. */
export const archiveFolderOf = (cluster: Pick<Cluster, 'archive'>, folders: Pick<Folders, 'root'>): string =>
  cluster.archive ?? join(folders.root, 'archive');
