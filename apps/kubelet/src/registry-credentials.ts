import type { Pod } from '#libs/api';
import type { ObjectSource } from './object-source.js';

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string }>>;
}

const HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The registry an image name points to; names without one are Docker Hub's. */
export function registryOf(image: string): string {
  const [first = ''] = image.split('/');
  return image.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

/** What the pod's imagePullSecrets know for an image's registry, as Docker takes it. */
export async function registryCredentials(pod: Pod, image: string, objects: ObjectSource): Promise<object | undefined> {
  const registry = registryOf(image);
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    const secret = name ? await objects.secret(pod.metadata.namespace ?? '', name) : undefined;
    const encoded = secret?.data?.['.dockerconfigjson'];
    if (!encoded) continue;
    const found = credentialsIn(Buffer.from(encoded, 'base64').toString('utf8'), registry);
    if (found) return found;
  }
  return undefined;
}

function credentialsIn(text: string, registry: string): object | undefined {
  let config: DockerConfig;
  try {
    config = JSON.parse(text) as DockerConfig;
  } catch {
    return undefined;
  }
  for (const [server, entry] of Object.entries(config.auths ?? {})) {
    const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? '';
    if (host !== registry && !(HUB.includes(host) && HUB.includes(registry))) continue;
    const [username, ...rest] = Buffer.from(entry.auth ?? '', 'base64')
      .toString('utf8')
      .split(':');
    return { username: entry.username ?? username, password: entry.password ?? rest.join(':'), serveraddress: server };
  }
  return undefined;
}
