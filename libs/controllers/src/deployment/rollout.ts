import { tell, type Telling, DEPLOYMENTS, REPLICASETS, type Deployment, type DeploymentStatus, type ReplicaSet } from '#libs/api';
import { deepEqual, labelSelectorOf, type Change, type Instant } from '#libs/apimachinery';
import { conditionOf } from '../conditions.js';
import { adoptedBy, claim, releasedFrom } from '../ownership.js';
import { annotated, atRevision, revisionOf, sized } from './annotations.js';
import { hasDeadline, setCondition } from './progress.js';
import { newSize, sizeOf, type Resize } from './rolling-update.js';
import { newestOf, replicaSetFor } from './template.js';

export const COMPONENT = 'deployment-controller';
const MOST_INT32 = 2 ** 31 - 1;

/** What a decision about a Deployment depends on. */
export interface DeploymentSnapshot {
  readonly deployment: Deployment;
  /** ReplicaSets it controls. */
  readonly owned: readonly ReplicaSet[];
  /** ReplicaSets of its namespace that nobody controls. */
  readonly orphans: readonly ReplicaSet[];
  /** Whoever bears the name that its next ReplicaSet would get. */
  readonly namesake: ReplicaSet | undefined;
  /** Whether a ReplicaSet still has a pod that has not ended; asked for only where all old pods must go first. */
  readonly running: (replicaSet: ReplicaSet) => boolean;
}

const uidOf = ({ metadata }: ReplicaSet): string => metadata.uid ?? '';

/** Zero and absent counts are the same, as are absent and empty lists. */
const stored = (status: DeploymentStatus | undefined): unknown =>
  Object.fromEntries(
    Object.entries(status ?? {}).filter(([, value]) => value !== 0 && value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );

/**
 * A decision in the making: the Deployment and its ReplicaSets as they will be once the changes so far are written.
 * Lives for one reconcile.
 */
export class Rollout {
  deployment: Deployment;
  /** The ReplicaSets it controls, as they will be; a new one has no uid yet. */
  #sets: ReplicaSet[];
  readonly #before = new Map<string, ReplicaSet>();
  readonly #released: readonly ReplicaSet[];
  readonly #tellings = new Map<string, Telling[]>();
  readonly #deletions: ReplicaSet[] = [];
  #created: ReplicaSet | undefined;

  constructor(
    private readonly snapshot: DeploymentSnapshot,
    private readonly now: Instant,
  ) {
    const { deployment, owned, orphans } = snapshot;
    this.deployment = deployment;
    const claims = claim(deployment, labelSelectorOf(deployment.spec?.selector), owned, orphans);
    for (const one of [...owned, ...orphans]) this.#before.set(uidOf(one), one);
    this.#sets = [...claims.kept, ...claims.adopted.map((one) => adoptedBy(deployment, one))];
    this.#released = claims.released.map((one) => releasedFrom(deployment.metadata.uid ?? '', one));
  }

  get all(): readonly ReplicaSet[] {
    return this.#sets;
  }

  get newest(): ReplicaSet | undefined {
    return newestOf(this.deployment, this.#sets);
  }

  get old(): readonly ReplicaSet[] {
    const { newest } = this;
    return this.#sets.filter((one) => one !== newest);
  }

  setStatus(status: DeploymentStatus): void {
    this.deployment = { ...this.deployment, status };
  }

  setProgressing(status: 'True' | 'False' | 'Unknown', reason: string, message: string): void {
    this.setStatus(setCondition(this.deployment.status ?? {}, { type: 'Progressing', status, reason, message }, this.now));
  }

  /**
   * Brings the current template's ReplicaSet and the Deployment to the newest revision. Where there is none, makes it
   * if asked to; false: its name is taken by another, the status says so, and nothing else can be done now.
   */
  syncRevision(create: boolean): boolean {
    const { newest } = this;
    const revision = Math.max(0, ...this.old.map(revisionOf)) + 1;
    if (newest) {
      const minReady = this.deployment.spec?.minReadySeconds ?? 0;
      const next = annotated(newest, this.deployment, revision, false);
      const current =
        (next.spec?.minReadySeconds ?? 0) === minReady ? next : { ...next, spec: { ...next.spec, minReadySeconds: minReady } };
      this.#replace(newest, current);
      this.deployment = atRevision(this.deployment, String(revisionOf(current)));
      if (hasDeadline(this.deployment) && !conditionOf(this.deployment.status?.conditions, 'Progressing')) {
        this.setProgressing('True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name ?? ''}"`);
      }
      return true;
    }
    if (!create) return true;
    if (this.snapshot.namesake) {
      this.setStatus({ ...this.deployment.status, collisionCount: (this.deployment.status?.collisionCount ?? 0) + 1 });
      return false;
    }
    this.#make(revision);
    return true;
  }

  /** Gives ReplicaSets their sizes; true where one of them changed. */
  resize(resizes: readonly Resize[]): boolean {
    let resized = false;
    for (const { replicaSet, to } of resizes) {
      const current = this.#sets.find((one) => one.metadata.name === replicaSet.metadata.name);
      if (!current) continue;
      const from = sizeOf(current);
      const next = sized(current, this.deployment);
      this.#replace(current, from === to ? next : { ...next, spec: { ...next.spec, replicas: to } });
      if (from === to) continue;
      resized = true;
      const name = current.metadata.name ?? '';
      this.#tell(name, `Scaled ${from < to ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`);
    }
    return resized;
  }

  /** Deletes the oldest revisions beyond the history limit, but none that still has or wants pods. */
  cleanUp(): void {
    const limit = this.deployment.spec?.revisionHistoryLimit;
    if (limit === undefined || limit === MOST_INT32) return;
    const cleanable = this.old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const oldest = [...cleanable].sort((a, b) => revisionOf(a) - revisionOf(b) || (uidOf(a) < uidOf(b) ? -1 : 1));
    for (const one of oldest.slice(0, Math.max(0, cleanable.length - limit))) {
      const idle = (one.status?.replicas ?? 0) === 0 && sizeOf(one) === 0;
      if (idle && (one.metadata.generation ?? 0) <= (one.status?.observedGeneration ?? 0)) this.#deletions.push(one);
    }
  }

  /** Everything that has to be written; the Deployment's status comes last. */
  changes(): readonly Change[] {
    const updates = [...this.#released, ...this.#sets].filter((one) => one !== this.#created && one !== this.#before.get(uidOf(one)));
    const told = (name: string): readonly Change[] =>
      (this.#tellings.get(name) ?? []).map((telling, nth) => tell(COMPONENT, { ...telling, nth }, this.now));
    const changes: Change[] = [];
    if (this.#created)
      changes.push({ verb: 'create', resource: REPLICASETS, object: this.#created }, ...told(this.#created.metadata.name ?? ''));
    for (const object of updates) changes.push({ verb: 'update', resource: REPLICASETS, object }, ...told(object.metadata.name ?? ''));
    for (const { metadata } of this.#deletions) {
      const { name = '', namespace = '', uid = '' } = metadata;
      changes.push({ verb: 'delete', resource: REPLICASETS, namespace, name, preconditions: { uid } });
    }
    const { deployment: before } = this.snapshot;
    const changed = this.deployment.metadata !== before.metadata || !deepEqual(stored(this.deployment.status), stored(before.status));
    if (changed) changes.push({ verb: 'update', resource: DEPLOYMENTS, subresource: 'status', object: this.deployment });
    return changes;
  }

  #make(revision: number): void {
    const empty = replicaSetFor(this.deployment);
    const replicas = newSize(this.deployment, [...this.#sets, empty], empty);
    const made = annotated({ ...empty, spec: { ...empty.spec, replicas } }, this.deployment, revision, true);
    this.#created = made;
    this.#sets = [...this.#sets, made];
    const name = made.metadata.name ?? '';
    if (replicas > 0) this.#tell(name, `Scaled up replica set ${name} from 0 to ${replicas}`);
    this.deployment = atRevision(this.deployment, String(revision));
    if (hasDeadline(this.deployment)) this.setProgressing('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`);
  }

  #replace(current: ReplicaSet, next: ReplicaSet): void {
    if (current === this.#created) this.#created = next;
    this.#sets = this.#sets.map((one) => (one === current ? next : one));
  }

  #tell(name: string, message: string): void {
    const telling: Telling = { about: this.snapshot.deployment, type: 'Normal', reason: 'ScalingReplicaSet', message };
    this.#tellings.set(name, [...(this.#tellings.get(name) ?? []), telling]);
  }
}
