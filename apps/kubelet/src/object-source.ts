import { StatusError, type GroupVersionResource } from '#libs/apimachinery';
import { CONFIGMAPS, SECRETS, type ConfigMap, type Secret } from '#libs/api';
import { watchResource, type ApiClient, type ResourceWatch } from '#libs/client';

interface Watched {
  readonly watch: ResourceWatch<ConfigMap | Secret>;
  readonly users: Map<string, () => void>;
  synced: boolean;
}

const MAX_WATCHES = 500;

/**
 * The config maps and secrets that pods of the node use, and no others. Each is watched while a pod has it in a
 * volume, so that its files follow; whoever reads one that isn't watched asks the API server.
 */
export class ObjectSource {
  private readonly watched = new Map<string, Watched>();

  constructor(
    private readonly client: ApiClient,
    private readonly onError: (error: unknown) => void,
  ) {}

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.read<ConfigMap>(CONFIGMAPS, namespace, name);
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.read<Secret>(SECRETS, namespace, name);
  }

  /** Tells `user` of changes to an object until `release(user)`. */
  follow(kind: 'configmaps' | 'secrets', namespace: string, name: string, user: string, changed: () => void): void {
    const resource = kind === 'configmaps' ? CONFIGMAPS : SECRETS;
    const key = keyOf(resource, namespace, name);
    const existing = this.watched.get(key);
    if (existing) {
      existing.users.set(user, changed);
      return;
    }
    if (this.watched.size >= MAX_WATCHES) return;
    const users = new Map([[user, changed]]);
    const watch = watchResource<ConfigMap | Secret>(this.client, resource, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onChange: () => {
        if (entry.synced) for (const tell of users.values()) tell();
      },
      onError: this.onError,
    });
    const entry: Watched = { watch, users, synced: false };
    this.watched.set(key, entry);
    void watch.synced.then(
      () => {
        entry.synced = true;
        for (const tell of users.values()) tell();
      },
      () => undefined,
    );
  }

  release(user: string): void {
    for (const [key, { users, watch }] of [...this.watched]) {
      if (!users.delete(user) || users.size > 0) continue;
      this.watched.delete(key);
      void watch.stop();
    }
  }

  async close(): Promise<void> {
    const watches = [...this.watched.values()];
    this.watched.clear();
    await Promise.all(watches.map(({ watch }) => watch.stop()));
  }

  private async read<T extends ConfigMap | Secret>(
    resource: GroupVersionResource,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    const entry = this.watched.get(keyOf(resource, namespace, name));
    const cached = entry?.synced ? (entry.watch.get(namespace, name) as T | undefined) : undefined;
    if (cached) return cached;
    try {
      return await this.client.get<T>(resource, namespace, name);
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }
}

const keyOf = ({ resource }: GroupVersionResource, namespace: string, name: string): string => `${resource}/${namespace}/${name}`;
