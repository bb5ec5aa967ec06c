import { activityOfRequest, activityOfRevision, revisionOf, touchesField, type Activity, type Revision } from '#libs/history';
import type { StoredRequest, StoredRevision } from '#libs/runtime';
import type { Call } from '../call.js';
import { objectOf } from './causes.js';
import { ACTIVITIES } from './kinds.js';
import type { Readable } from './readable.js';
import type { TrailItem } from './trail.js';

/** What of the trail whoever asks gets to see, and as what. */
export class TrailView {
  constructor(
    private readonly call: Call,
    private readonly readable: Readable,
    private readonly as: 'Revision' | 'Activity',
    private readonly changed: string | undefined,
  ) {}

  /** Undefined: it is not for him, or not what was asked for. */
  async of(item: TrailItem): Promise<Revision | Activity | undefined> {
    if (item.kind === 'request') return (await this.mayKnow(item.request)) ? activityOfRequest(item.request) : undefined;
    const { revision: event } = item;
    if (!(await this.readable.allows(objectOf(event)))) return undefined;
    const revision = revisionOf(event);
    const { changed } = this;
    if (changed !== undefined && !(revision.changes ?? []).some((change) => touchesField(change, changed))) return undefined;
    if (this.as === 'Activity') return activityOfRevision(revision);
    disclose(this.call, event);
    return revision;
  }

  /** What was asked of an object is for those to know who may get it; what was asked of none, for those who see all of the trail. */
  private mayKnow({ entry }: StoredRequest): Promise<boolean> {
    const { group = '', resource, namespace = '', name = '' } = entry;
    if (resource !== undefined) return this.readable.allows({ group, resource, namespace, name });
    return this.readable.allowsAll(ACTIVITIES.resource);
  }
}

/** A Secret's past is as much as the Secret: whoever reads it is recorded as having read that. */
export function disclose(call: Call, { resource: { group, resource }, namespace, name }: StoredRevision): void {
  if (group === '' && resource === 'secrets') call.disclosed ??= { namespace, name };
}
