import { StatusError, type KubeObject } from '#libs/apimachinery';
import type { ApiClient } from '#libs/client';
import { compared, HISTORY_GROUP } from '#libs/history';
import { Failure } from '../failure.js';
import type { ServedResource } from '../history/resources.js';
import { withSessionOf, type Session, type SessionOptions } from '../history/session.js';
import { foldersOf, requireCluster } from '../profile.js';
import { clockOf } from './clock.js';
import type { Compared } from './compare-text.js';

/** What is compared. */
export interface CompareOptions extends SessionOptions {
  /** The fork's profile. */
  readonly name: string;
}

/** The source as of now needs no look into the past where the fork's clock is this close to it, or ahead. */
const CLOSE_MS = 1_000;
/** Objects of one page of a list. */
const PAGE = 2_000;
const MOST_PAGES = 1_000;
/** Kinds that are told twice, or only while they are asked for. */
const SKIPPED = ['events', 'leases', 'componentstatuses'];

/** How a fork differs from the cluster it was made from, both as of what the fork's clock says, or now where that is ahead. */
export async function compareFork(options: CompareOptions, refused: (text: string) => void): Promise<Compared> {
  const { name, namespace, ...acting } = options;
  const { fork } = await requireCluster(name);
  if (fork === undefined)
    throw new Failure(`"${name}" is no fork`, ['`decklog fork NAME` makes one; `decklog profile list` shows which there are.'], 2);
  const source = await requireCluster(fork.of).catch((error: unknown) => {
    throw new Failure(`the cluster that "${name}" was made from is gone: there is no profile "${fork.of}"`, [], 1, { cause: error });
  });
  if (source.id !== fork.clusterId)
    throw new Failure(`"${fork.of}" is another cluster by now than the one that "${name}" was made from`, [
      'It was deleted and made anew.',
    ]);
  const [clock, now] = [clockOf(foldersOf(name)), Date.now()];
  const at = clock < now - CLOSE_MS ? new Date(clock).toISOString() : undefined;
  const [here, there] = await Promise.all([
    withSessionOf(fork.of, acting, (session) => objectsOf(session, at, namespace, refused)),
    withSessionOf(name, acting, (session) => objectsOf(session, undefined, namespace, refused)),
  ]);
  return {
    source: fork.of,
    fork: name,
    at: at ?? new Date(now).toISOString(),
    from: fork.at,
    ...(fork.excludeRoot === undefined ? {} : { excludeRoot: fork.excludeRoot }),
    comparison: compared(here, there),
  };
}

/** Everything that can be listed, each resource in the version its group prefers. */
async function objectsOf(
  session: Session,
  at: string | undefined,
  namespace: string | undefined,
  refused: (text: string) => void,
): Promise<readonly KubeObject[]> {
  const client = at === undefined ? session.client : session.at(at);
  const seen = new Set<string>();
  const resources = (await session.resources(at)).filter(({ group, resource, verbs, namespaced }) => {
    const key = `${group}/${resource}`;
    if (seen.has(key) || group === HISTORY_GROUP || !verbs.includes('list') || SKIPPED.includes(resource) || resource.includes('/'))
      return false;
    seen.add(key);
    return namespace === undefined || namespaced || resource === 'nodes';
  });
  const lists = await Promise.all(resources.map((resource) => listed(client, resource, namespace, refused)));
  return lists.flat();
}

async function listed(
  client: ApiClient,
  resource: ServedResource,
  namespace: string | undefined,
  refused: (text: string) => void,
): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  let from: string | undefined;
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const where = namespace === undefined || !resource.namespaced ? {} : { namespace };
      const answer = await client.list(resource, { ...where, limit: PAGE, ...(from === undefined ? {} : { continue: from }) });
      objects.push(...answer.items);
      from = answer.metadata.continue;
      if (from === undefined || from === '') return objects;
    }
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'Forbidden') throw error;
    refused(error.message);
    return [];
  }
  throw new Failure(`there are more than ${MOST_PAGES * PAGE} ${resource.resource}`);
}
