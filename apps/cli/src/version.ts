import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { readIfThere } from './profile.js';

/** The Kubernetes API that the cluster serves. */
export const KUBERNETES_API = 'v1.36';

/** The folder of the product: the one with its package.json, above the built and the source tree alike. */
export async function productFolder(): Promise<string> {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if ((await readIfThere(join(folder, 'package.json'))) !== undefined) return folder;
  }
  return __dirname;
}

/** `v0.1.0`. */
export async function productVersion(): Promise<string> {
  const text = await readFile(join(await productFolder(), 'package.json'), 'utf8');
  return `v${(JSON.parse(text) as { version: string }).version}`;
}
