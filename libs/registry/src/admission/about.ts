import type { GroupVersionResource } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { Attributes } from './plugin.js';

/** Whether a request is for a resource itself, or for the named subresource of it. */
export const isAbout = (
  { definition: { resource } }: Pick<Case, 'definition'>,
  { subresource }: Pick<Attributes, 'subresource'>,
  wanted: Pick<GroupVersionResource, 'group' | 'resource'>,
  part = '',
): boolean => subresource === part && resource.resource === wanted.resource && resource.group === wanted.group;
