import { GENERATED_NAME_ALPHABET, type KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';

const LENGTH = 5;

/** Whether a create leaves its object's name to the server. */
export function generatesName({ verb, subresource, object }: WriteRequest): boolean {
  const metadata = (object as Partial<KubeObject> | null | undefined)?.metadata;
  return verb === 'create' && subresource === undefined && !metadata?.name && Boolean(metadata?.generateName);
}

/** The end of a generated name, by chance. */
export function randomSuffix(random: () => number): string {
  let suffix = '';
  for (let i = 0; i < LENGTH; i++) suffix += GENERATED_NAME_ALPHABET[Math.floor(random() * GENERATED_NAME_ALPHABET.length)];
  return suffix;
}
