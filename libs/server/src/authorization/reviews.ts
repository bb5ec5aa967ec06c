import { badRequest, formatTime, invalid, type Instant, type ObjectMeta } from '#libs/apimachinery';
import { decode, standardStrategy, type ResourceDefinition, type SubjectAccessReviewSpec, type TokenReview } from '#libs/api';
import { reviewedAttributes, reviewedUser, validateAccessReview, type AccessReview } from './access-review.js';
import type { Authorizer, User } from './authorizer.js';
import { mediaTypeOf, parseObject, readBody } from '../encoding/body.js';
import type { Call } from '../call.js';
import { negotiate, WITHOUT_TABLE } from '../encoding/negotiate.js';
import { sendObject } from '../encoding/respond.js';
import { withAuthenticated } from '../authentication/authenticator.js';
import type { TokenUnion } from '../authentication/token-authenticator.js';

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
  readonly tokens: TokenUnion;
  readonly audiences: readonly string[];
  readonly now: () => Instant;
  readonly maxBodyBytes: number;
}

interface Asked {
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
}

/** Answers the kinds of `REVIEWS`. */
export class Reviews {
  constructor(private readonly sources: ReviewSources) {}

  async create(call: Call, definition: ResourceDefinition): Promise<void> {
    const { request, response, info } = call;
    const { format } = negotiate(request.headers.accept, WITHOUT_TABLE);
    const bytes = await readBody(request, this.sources.maxBodyBytes);
    const { value } = parseObject(mediaTypeOf(request), bytes, definition.kind, false);
    const { object } = decode(definition.model, value, { strict: false });
    const asked = placed({ ...object, metadata: object.metadata ?? {} }, info.namespace);
    const status = await this.statusOf(call, definition.kind, asked, info.namespace);
    const self = definition.kind === 'SelfSubjectReview';
    const metadata = self ? { creationTimestamp: formatTime(this.sources.now()) } : asked.metadata;
    const answer = { ...asked, kind: definition.kind, apiVersion: `${definition.resource.group}/v1`, metadata, status };
    await sendObject(request, response, 201, answer, { format });
  }

  private async statusOf(call: Call, kind: string, { metadata, spec = {} }: Asked, namespace: string): Promise<unknown> {
    switch (kind) {
      case 'SelfSubjectReview':
        return { userInfo: userInfoOf(call.user) };
      case 'TokenReview':
        return this.tokenStatus(spec as TokenReview['spec']);
      case 'SelfSubjectRulesReview': {
        const { namespace: where } = spec as { readonly namespace?: string };
        if (!where) throw badRequest('no namespace on request');
        return this.sources.rulesFor(call.user, where);
      }
    }
    const review: AccessReview = { kind, metadata, spec: spec as SubjectAccessReviewSpec, namespace };
    const problems = validateAccessReview(review);
    if (problems.length > 0) throw invalid(AUTHORIZATION.group, kind, '', problems);
    const user = kind === 'SelfSubjectAccessReview' ? call.user : reviewedUser(review.spec);
    const { allowed, reason } = await this.sources.authorizer(reviewedAttributes(review, user));
    return { allowed, ...(reason === undefined || reason === '' ? {} : { reason }) };
  }

  private async tokenStatus({ token = '', audiences = [] }: TokenReview['spec']): Promise<unknown> {
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const wanted = audiences.length === 0 ? this.sources.audiences : audiences;
    const found = await this.sources.tokens.authenticate(token, wanted);
    if (typeof found === 'string') return { authenticated: false, user: {}, error: found };
    return { authenticated: true, user: userInfoOf(withAuthenticated(found.user)), audiences: found.audiences };
  }
}

/** The object in the URL's namespace. */
function placed<T extends Asked>(asked: T, namespace: string): T {
  if (namespace === '') return asked;
  const own = asked.metadata.namespace ?? '';
  if (own !== '' && own !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  return { ...asked, metadata: { ...asked.metadata, namespace } };
}

/** authentication.k8s.io UserInfo. */
function userInfoOf({ name, uid, groups, extra }: User): Readonly<Record<string, unknown>> {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}
