import { StatusError, qualifiedResource } from '#libs/apimachinery';
import type { Attributes } from '#libs/authorization';

/** Who a request is made by, once authenticated: authentication.k8s.io UserInfo. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** The name of who really asked, where somebody acts as somebody else. */
  readonly impersonator?: string;
}

/** What is asked of the authorizer for each request: authorizer.Attributes upstream, with the version and all that is known of the user. */
export type AuthorizerAttributes = Attributes & { readonly user: User } & (
    { readonly kind: 'resource'; readonly version: string } | { readonly kind: 'path' }
  );

/** Whether it may be done; `reason` completes the sentence of a refusal. */
export interface AuthorizerDecision {
  readonly allowed: boolean;
  readonly reason?: string;
}

/** Decides whether a user may do a thing. Asked once for every request, after authentication. */
export type Authorizer = (attributes: AuthorizerAttributes) => AuthorizerDecision | Promise<AuthorizerDecision>;

/** Whoever is authenticated may do everything. */
export const allowAuthenticated: Authorizer = ({ user }) => ({ allowed: user.groups.includes('system:authenticated') });

/** 403 in upstream's words (apiserver `responsewriters.Forbidden`). */
export function refusal(attributes: AuthorizerAttributes, reason: string | undefined): StatusError {
  const because = reason === undefined || reason === '' ? '' : `: ${reason}`;
  const { user, verb } = attributes;
  if (attributes.kind === 'path') {
    return new StatusError(
      'Forbidden',
      `forbidden: User ${quoted(user.name)} cannot ${verb} path ${quoted(attributes.path)}${because}`,
      {},
    );
  }
  const { group, resource, subresource, namespace, name } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? ' at the cluster scope' : ` in the namespace ${quoted(namespace)}`;
  const sentence = `User ${quoted(user.name)} cannot ${verb} resource ${quoted(full)} in API group ${quoted(group)}${where}${because}`;
  const subject = name === '' ? qualifiedResource({ group, resource }) : `${qualifiedResource({ group, resource })} ${quoted(name)}`;
  return new StatusError('Forbidden', `${subject} is forbidden: ${sentence}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

const quoted = (text: string): string => JSON.stringify(text);
