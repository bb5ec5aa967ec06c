import type { GroupVersionResource, KubeObject, ObjectMeta } from '#libs/apimachinery';

/** The `v1 Status` that says a request succeeded, and about what. */
export interface SuccessStatus extends KubeObject {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly status: 'Success';
  readonly details?: { readonly name?: string; readonly group?: string; readonly kind: string; readonly uid?: string };
}

/** A bare success, as bindings and evictions are answered. */
export const SUCCESS: SuccessStatus = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };

/** Success with what it was about: how deletions of most kinds are answered. */
export const successOf = (
  { group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>,
  { name, uid }: ObjectMeta,
): SuccessStatus => ({
  ...SUCCESS,
  details: {
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
    ...(uid === undefined ? {} : { uid }),
  },
});
