import { badRequest, invalid, invalidValue, type FieldError, type KubeObject } from '#libs/apimachinery';
import {
  decode,
  standardStrategy,
  type ResourceDefinition,
  type SubjectAccessReview,
  type SubjectAccessReviewSpec,
  type TokenReview,
} from '#libs/api';
import type { World } from '#libs/runtime';
import type { Authorizer, AuthorizerAttributes, User } from './authorizer.js';
import { mediaTypeOf, parseObject, readBody } from './body.js';
import type { Call } from './call.js';
import { negotiate } from './negotiate.js';
import { sendObject } from './respond.js';
import type { ServiceAccountAuthenticator } from './service-account-authenticator.js';

const AUTHENTICATION = { group: 'authentication.k8s.io', version: 'v1' };
const AUTHORIZATION = { group: 'authorization.k8s.io', version: 'v1' };

function review(place: typeof AUTHENTICATION, kind: string, scope: ResourceDefinition['scope'] = 'Cluster'): ResourceDefinition {
  const singular = kind.toLowerCase();
  const model = `io.k8s.api.${place.group.split('.')[0] ?? ''}.v1.${kind}`;
  return {
    resource: { ...place, resource: `${singular}s` },
    kind,
    listKind: `${kind}List`,
    singular,
    shortNames: [],
    categories: [],
    scope,
    verbs: ['create'],
    model,
    stream: 'state',
    subresources: [],
    fields: {},
    strategy: standardStrategy({}),
    columns: [],
  };
}

/** What may be asked of the server without anything being stored: for discovery and OpenAPI, beside the kinds. */
export const REVIEWS: readonly ResourceDefinition[] = [
  review(AUTHENTICATION, 'SelfSubjectReview'),
  review(AUTHENTICATION, 'TokenReview'),
  review(AUTHORIZATION, 'LocalSubjectAccessReview', 'Namespaced'),
  review(AUTHORIZATION, 'SelfSubjectAccessReview'),
  review(AUTHORIZATION, 'SelfSubjectRulesReview'),
  review(AUTHORIZATION, 'SubjectAccessReview'),
];

/** What a user may do, as `kubectl auth can-i --list` shows it: authorization.k8s.io SubjectRulesReviewStatus. */
export interface UserRules {
  readonly resourceRules: readonly Readonly<Record<string, readonly string[]>>[];
  readonly nonResourceRules: readonly Readonly<Record<string, readonly string[]>>[];
  readonly incomplete: boolean;
  readonly evaluationError?: string;
}

/** Lists what a user may do in a namespace. */
export type RulesFor = (user: User, namespace: string) => UserRules | Promise<UserRules>;

/** The rules of `allowAuthenticated`. */
export const everythingAllowed: RulesFor = () => ({
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
});

/** What reviews are answered from. */
export interface ReviewSources {
  readonly authorizer: Authorizer;
  readonly rulesFor: RulesFor;
  readonly serviceAccounts: ServiceAccountAuthenticator;
  readonly audiences: readonly string[];
  readonly world: World;
  readonly maxBodyBytes: number;
}

/** Answers the kinds of `REVIEWS`. */
export class Reviews {
  constructor(private readonly sources: ReviewSources) {}

  async create(call: Call, definition: ResourceDefinition): Promise<void> {
    const { request, response, info } = call;
    const { format } = negotiate(request.headers.accept);
    const bytes = await readBody(request, this.sources.maxBodyBytes);
    const { value } = parseObject(mediaTypeOf(request), bytes, definition.kind, false);
    const { object } = decode(definition.model, value, { strict: false });
    const asked = object as KubeObject & { readonly spec?: unknown };
    const status = await this.statusOf(call, definition.kind, asked, info.namespace);
    const answer = { ...asked, kind: definition.kind, apiVersion: `${definition.resource.group}/v1`, status };
    await sendObject(request, response, 201, answer, { format });
  }

  private async statusOf(call: Call, kind: string, asked: { readonly spec?: unknown }, namespace: string): Promise<unknown> {
    const spec = (asked.spec ?? {}) as SubjectAccessReviewSpec & { readonly namespace?: string };
    switch (kind) {
      case 'SelfSubjectReview':
        return { userInfo: userInfoOf(call.user) };
      case 'TokenReview':
        return this.tokenStatus((asked as TokenReview).spec);
      case 'SelfSubjectRulesReview':
        if (!spec.namespace) throw badRequest('no namespace on request');
        return this.sources.rulesFor(call.user, spec.namespace);
      case 'SelfSubjectAccessReview':
        return this.access(kind, spec, call.user);
      case 'LocalSubjectAccessReview':
        if (spec.resourceAttributes?.namespace !== namespace) {
          const detail = `must match metadata.namespace: ${namespace}`;
          throw invalid(AUTHORIZATION.group, kind, '', [
            invalidValue('spec.resourceAttributes.namespace', spec.resourceAttributes?.namespace ?? '', detail),
          ]);
        }
    }
    return this.access(kind, spec, reviewedUser(kind, spec));
  }

  private async access(kind: string, spec: SubjectAccessReviewSpec, user: User): Promise<SubjectAccessReview['status']> {
    const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
    if ((resource === undefined) === (path === undefined)) {
      const detail = `exactly one of nonResourceAttributes or resourceAttributes must be specified`;
      throw invalid(AUTHORIZATION.group, kind, '', [invalidValue('spec.resourceAttributes', resource ?? null, detail)]);
    }
    const attributes: AuthorizerAttributes =
      resource === undefined
        ? { kind: 'path', user, verb: path?.verb ?? '', path: path?.path ?? '' }
        : {
            kind: 'resource',
            user,
            verb: resource.verb ?? '',
            group: resource.group ?? '',
            version: resource.version ?? '',
            resource: resource.resource ?? '',
            subresource: resource.subresource ?? '',
            namespace: resource.namespace ?? '',
            name: resource.name ?? '',
          };
    const { allowed, reason } = await this.sources.authorizer(attributes);
    return { allowed, ...(reason === undefined || reason === '' ? {} : { reason }) };
  }

  private tokenStatus({ token = '', audiences = [] }: TokenReview['spec']): TokenReview['status'] {
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const wanted = audiences.length === 0 ? this.sources.audiences : audiences;
    const found = this.sources.serviceAccounts.authenticate(token, wanted);
    if (typeof found === 'string') return { authenticated: false, user: {}, error: found } as TokenReview['status'];
    const { user } = found;
    const groups = [...user.groups, 'system:authenticated'];
    return { authenticated: true, user: userInfoOf({ ...user, groups }), audiences: found.audiences } as TokenReview['status'];
  }
}

function reviewedUser(kind: string, spec: SubjectAccessReviewSpec): User {
  const problems: FieldError[] = [];
  if (!spec.user && (spec.groups ?? []).length === 0) {
    problems.push(invalidValue('spec.user', spec.user ?? '', 'at least one of user or group must be specified'));
  }
  if (problems.length > 0) throw invalid(AUTHORIZATION.group, kind, '', problems);
  const { extra } = spec;
  return {
    name: spec.user ?? '',
    ...(spec.uid ? { uid: spec.uid } : {}),
    groups: spec.groups ?? [],
    ...(extra === undefined ? {} : { extra: extra as Readonly<Record<string, readonly string[]>> }),
  };
}

/** authentication.k8s.io UserInfo. */
function userInfoOf({ name, uid, groups, extra }: User): Readonly<Record<string, unknown>> {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}
