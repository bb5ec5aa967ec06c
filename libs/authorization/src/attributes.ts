import type { FieldRequirement } from '#libs/apimachinery';

/** Who asks: authentication.k8s.io UserInfo, as far as authorization looks at it. */
export interface Subject {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What is asked: authorizer.Attributes upstream. A cluster-scoped resource, and a list of all namespaces, has namespace ''. */
export type Attributes = { readonly user: Subject; readonly verb: string } & (
  | {
      readonly kind: 'resource';
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      /** What a list or a watch asks of fields. */
      readonly fields?: readonly FieldRequirement[];
    }
  | { readonly kind: 'path'; readonly path: string }
);

/** Whether it may be done; `reason` says by what, or completes the sentence of a refusal. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/** The group that may do everything, whatever RBAC says (user.SystemPrivilegedGroup). */
export const PRIVILEGED_GROUP = 'system:masters';
