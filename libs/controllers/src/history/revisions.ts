import { CONTROLLERREVISIONS, type ControllerRevision, type PodTemplateSpec } from '#libs/api';
import { canonicalJson, deepEqual, fnv32, safeEncoded, type Change, type KubeObject } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';
import { controllerReference } from '../ownership.js';

/** The label of a pod, and of a DaemonSet's revisions, that says which template it was made of. */
export const REVISION_HASH = 'controller-revision-hash';
/** The same of a StatefulSet's revisions. */
const OBJECT_HASH = 'controller.kubernetes.io/hash';
const MOST_COLLISIONS = 100;

/** The past templates of a workload, and the names that are taken by anybody's. */
export interface History {
  /** Those that the workload controls, oldest first. */
  readonly revisions: readonly ControllerRevision[];
  readonly named: (name: string) => ControllerRevision | undefined;
}

export const oldestFirst = (revisions: readonly ControllerRevision[]): readonly ControllerRevision[] =>
  [...revisions].sort((a, b) => a.revision - b.revision || byCreation(a, b));

/** What a revision keeps: a strategic merge patch that brings a workload back to a template. */
const dataOf = (template: PodTemplateSpec): unknown => ({ spec: { template: { ...template, $patch: 'replace' } } });

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } =
    (data as { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } }).spec?.template ?? {};
  return template;
}

/** The hash in a revision's name and labels. */
export const hashOf = ({ metadata }: ControllerRevision): string =>
  metadata.labels?.[REVISION_HASH] ?? metadata.labels?.[OBJECT_HASH] ?? (metadata.name ?? '').split('-').at(-1) ?? '';

/** The revision that a workload's template is, and what has to be written for it to be. */
export interface Recorded {
  readonly revision: ControllerRevision;
  readonly changes: readonly Change[];
  readonly collisionCount: number;
}

interface Workload {
  readonly owner: KubeObject;
  readonly template: PodTemplateSpec;
  readonly collisionCount: number;
  /** Which label carries the hash: revisions of the two kinds differ. */
  readonly hashLabel: typeof REVISION_HASH | typeof OBJECT_HASH;
}

function created({ owner, template, collisionCount, hashLabel }: Workload, history: History, revision: number): Recorded {
  const { name = '', namespace, annotations } = owner.metadata;
  const data = dataOf(template);
  for (let collisions = collisionCount; ; collisions++) {
    const hash = safeEncoded(fnv32(canonicalJson(data) + (collisions > 0 ? ` ${collisions}` : '')));
    if (history.named(`${name}-${hash}`) !== undefined && collisions < collisionCount + MOST_COLLISIONS) continue;
    const object: ControllerRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...template.metadata?.labels, [hashLabel]: hash },
        ...(annotations ? { annotations } : {}),
        ownerReferences: [controllerReference(owner)],
      },
      data,
      revision,
    };
    return { revision: object, changes: [{ verb: 'create', resource: CONTROLLERREVISIONS, object }], collisionCount: collisions };
  }
}

/**
 * Records a workload's template in its history: the newest revision where it is that, else an older one with the same
 * template, which becomes the newest (a rollback), else a new one.
 */
export function recorded(workload: Workload, history: History): Recorded {
  const { revisions } = history;
  const { collisionCount } = workload;
  const data = dataOf(workload.template);
  const newest = revisions.at(-1);
  const same = revisions.findLast((revision) => deepEqual(revision.data, data));
  const next = (newest?.revision ?? 0) + 1;
  if (!same) return created(workload, history, next);
  if (same === newest) return { revision: same, changes: [], collisionCount };
  const object: ControllerRevision = { ...same, revision: next };
  return { revision: object, changes: [{ verb: 'update', resource: CONTROLLERREVISIONS, object }], collisionCount };
}

/** What of the history goes: the oldest that nothing uses, past so many as are kept. */
export function truncated({ revisions }: History, live: ReadonlySet<string>, kept: number): readonly Change[] {
  const idle = revisions.filter(({ metadata }) => !live.has(metadata.name ?? ''));
  return idle
    .slice(0, Math.max(0, idle.length - Math.max(0, kept)))
    .map(({ metadata: { name = '', namespace = '' } }): Change => ({ verb: 'delete', resource: CONTROLLERREVISIONS, namespace, name }));
}
