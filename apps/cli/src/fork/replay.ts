import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { ApiClient } from '#libs/client';
import { changedAlike, freshCopy, type Act } from '#libs/history';
import type { Actor } from '#libs/log';
import type { Cluster } from '../cluster.js';
import { resourcesOfDiscovery, DISCOVERY_TYPE } from '../history/resources.js';
import type { Folders } from '../profile.js';
import { readIfThere } from '../profile.js';
import type { Terminal } from '../terminal.js';
import { clockOf } from './clock.js';

/** What came of an act that was done once more. */
type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'already' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly why: string };

/** Times a change is made again where somebody else wrote the object in between. */
const ATTEMPTS = 10;
/** Lines said of acts one by one. */
const MOST_LINES = 40;
const LONGEST_WAIT_MS = 500;

/** Does a past's acts in a fork, each by whoever did it and when its clock has come so far. */
export class Replay {
  private readonly clients = new Map<string, ApiClient>();
  private readonly uids = new Map<string, string>();
  private readonly resources = new Map<string, GroupVersionResource>();

  private constructor(
    private readonly cluster: Cluster,
    private readonly folders: Folders,
    private readonly files: { readonly ca: string; readonly cert: string; readonly key: string },
  ) {}

  static async open(cluster: Cluster, folders: Folders): Promise<Replay> {
    const [ca = '', cert = '', key = ''] = await Promise.all(
      ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readIfThere(join(folders.pki, name))),
    );
    return new Replay(cluster, folders, { ca, cert, key });
  }

  /** Does all of them; says of each what became of it where that is not what became of the first. */
  async run(acts: readonly Act[], terminal: Terminal, signal: AbortSignal): Promise<void> {
    const title = `${acts.length} ${acts.length === 1 ? 'act' : 'acts'} of people and tools, done again`;
    await terminal.step('🎬', title, async (say) => {
      let lines = 0;
      for (const act of acts) {
        await this.until(act.event.time, signal);
        const outcome = await this.perform(act);
        if (lines++ < MOST_LINES) say(sentence(act, outcome));
      }
      if (lines > MOST_LINES) say(`and ${lines - MOST_LINES} more`);
    });
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }

  private async until(time: number, signal: AbortSignal): Promise<void> {
    const speed = this.cluster.fork?.speed ?? 1;
    for (;;) {
      signal.throwIfAborted();
      const left = (time - clockOf(this.folders)) / speed;
      if (left <= 0) return;
      await delay(Math.min(Math.max(left, 20), LONGEST_WAIT_MS), undefined, { signal });
    }
  }

  private async perform(act: Act): Promise<Outcome> {
    const { event, kind } = act;
    try {
      const resource = await this.resourceOf(event);
      if (resource === undefined) return { kind: 'refused', why: `${event.resource} is not served` };
      const client = this.clientOf(event.meta.actor);
      const namespace = event.namespace === '' ? undefined : event.namespace;
      const manager = event.meta.fieldManager === undefined ? {} : { fieldManager: event.meta.fieldManager };
      if (kind === 'delete') {
        await client.delete(resource, namespace, event.name);
        return { kind: 'done' };
      }
      if (kind === 'change') return await this.change(act, client, resource, namespace, manager);
      const made = await client.create(resource, freshCopy(event.object, this.uids), manager);
      this.uids.set(event.object.metadata.uid ?? '', made.metadata.uid ?? '');
      return { kind: 'done' };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (error.reason === 'NotFound' && kind !== 'create') return { kind: 'missing' };
      if (error.reason === 'AlreadyExists') return { kind: 'already' };
      return { kind: 'refused', why: error.message };
    }
  }

  private async change(
    { event, part }: Act,
    client: ApiClient,
    resource: GroupVersionResource,
    namespace: string | undefined,
    manager: { fieldManager?: string },
  ): Promise<Outcome> {
    const { object, before = object, name } = event;
    const admin = this.clientOf(undefined);
    for (let attempt = 1; ; attempt++) {
      const current = await admin.get<KubeObject>(resource, namespace, name);
      // The body is in the version that is stored, which is the one asked for.
      const wanted = { ...changedAlike(before, object, current, part), apiVersion: current.apiVersion, kind: current.kind };
      try {
        const answer = await client.update(resource, wanted, { ...manager, ...(part === 'status' ? { subresource: 'status' } : {}) });
        return { kind: answer.metadata.resourceVersion === current.metadata.resourceVersion ? 'already' : 'done' };
      } catch (error) {
        if (!(error instanceof StatusError) || error.reason !== 'Conflict' || attempt >= ATTEMPTS) throw error;
      }
    }
  }

  /** The served version of a resource that stored objects are in, else the group's first. */
  private async resourceOf({ group, resource, object }: Act['event']): Promise<GroupVersionResource | undefined> {
    const version = object.apiVersion.split('/').at(-1) ?? '';
    const key = `${group}/${version}/${resource}`;
    if (!this.resources.has(key)) await this.discover();
    return this.resources.get(key) ?? [...this.resources.values()].find((one) => one.group === group && one.resource === resource);
  }

  /** Asked again where something is not known: an act may have defined it. */
  private async discover(): Promise<void> {
    const { transport } = this.clientOf(undefined);
    for (const path of ['/api', '/apis']) {
      for (const { group, version, resource } of resourcesOfDiscovery(
        await transport.json({ method: 'GET', path, accept: DISCOVERY_TYPE }),
      )) {
        this.resources.set(`${group}/${version}/${resource}`, { group, version, resource });
      }
    }
  }

  /** Whoever did it does it again: rights that they did not have there they do not have here. */
  private clientOf(actor: Actor | undefined): ApiClient {
    const key = JSON.stringify([actor?.user, actor?.groups]);
    const known = this.clients.get(key);
    if (known !== undefined) return known;
    const groups = (actor?.groups ?? []).filter((group) => group !== 'system:authenticated');
    const client = new ApiClient({
      url: `https://127.0.0.1:${this.cluster.ports.api}`,
      ...this.files,
      userAgent: 'decklog-fork',
      maxSockets: 4,
      ...(actor === undefined ? {} : { impersonate: { user: actor.user, groups } }),
    });
    this.clients.set(key, client);
    return client;
  }
}

const PAST_TENSE = { create: 'created', change: 'changed', delete: 'deleted' } as const;
const ENDS: Readonly<Record<Exclude<Outcome['kind'], 'refused'>, string>> = {
  done: '',
  already: ': it is so already',
  missing: ': it does not exist here',
};

function sentence({ event, kind }: Act, outcome: Outcome): string {
  const { namespace, name, resource, meta, sequence, time } = event;
  const place = namespace === '' ? name : `${namespace}/${name}`;
  const end = outcome.kind === 'refused' ? `: refused here: ${outcome.why}` : ENDS[outcome.kind];
  return `${new Date(time).toISOString().slice(11, 19)} state:${sequence} ${meta.actor.user} ${PAST_TENSE[kind]} ${resource} ${place}${end}`;
}
