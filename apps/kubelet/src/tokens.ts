import type { Pod } from '#libs/api';
import type { ApiClient } from '#libs/client';
import type { WantedToken } from '#libs/node';

interface Cached {
  readonly token: string;
  readonly refreshAt: number;
}

/** Service account tokens bound to pods, asked for anew when four fifths of their life are over or a day has passed. */
export class TokenSource {
  private readonly cache = new Map<string, Cached>();

  constructor(private readonly client: ApiClient) {}

  async token(pod: Pod, wanted: WantedToken): Promise<string> {
    const { name = '', namespace = '', uid = '' } = pod.metadata;
    const key = `${uid}\u0000${wanted.audience}\u0000${wanted.expirationSeconds}`;
    const now = Date.now();
    const cached = this.cache.get(key);
    if (cached && now < cached.refreshAt) return cached.token;
    const answer = await this.client.requestToken(namespace, pod.spec?.serviceAccountName ?? 'default', {
      audiences: wanted.audience === '' ? [] : [wanted.audience],
      expirationSeconds: wanted.expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    });
    const lifeMs = Math.max(0, Date.parse(answer.expirationTimestamp ?? '') - now) || wanted.expirationSeconds * 1000;
    const token = answer.token ?? '';
    this.cache.set(key, { token, refreshAt: now + Math.min(lifeMs * 0.8, 86_400_000) });
    return token;
  }

  forget(podUid: string): void {
    for (const key of [...this.cache.keys()]) if (key.startsWith(`${podUid}\u0000`)) this.cache.delete(key);
  }
}
