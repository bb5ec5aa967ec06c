import { parse } from 'yaml';
import { z } from 'zod';
import { certificatesOf } from '../client-certificate.js';

/** Claims of one issuer's tokens, and the user they make. */
export interface JwtSettings {
  readonly issuer: {
    readonly url: string;
    /** Where the issuer's configuration is, where that is not below its URL. */
    readonly discoveryURL?: string | undefined;
    /** Where its keys are: then no configuration is asked for. */
    readonly jwksURL?: string | undefined;
    /** Authorities that its server's certificate is believed of, PEM; default: the system's. */
    readonly certificateAuthority?: string | undefined;
    readonly audiences: readonly string[];
  };
  readonly signingAlgorithms?: readonly SigningAlgorithm[] | undefined;
  readonly claimValidationRules: readonly (
    { readonly claim: string; readonly requiredValue: string } | { readonly expression: string; readonly message: string }
  )[];
  readonly claimMappings: {
    readonly username: { readonly claim: string; readonly prefix: string } | Expression;
    readonly groups?: { readonly claim: string; readonly prefix: string } | Expression | undefined;
    readonly uid?: { readonly claim: string } | Expression | undefined;
    readonly extra: readonly { readonly key: string; readonly valueExpression: string }[];
  };
  readonly userValidationRules: readonly { readonly expression: string; readonly message: string }[];
}

/** CEL, over `claims`. */
interface Expression {
  readonly expression: string;
}

/** What an AuthenticationConfiguration file says. */
export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtSettings[];
  readonly anonymous?: { readonly enabled: boolean; readonly paths: readonly string[] };
}

/** Algorithms that tokens of issuers may be signed with: all of them asymmetric (`--oidc-signing-algs`). */
export const SIGNING_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

const MAX_ISSUERS = 64;
const MAX_RULES = 64;
const MAX_EXPRESSION = 10_000;

const httpsUrl = z.url({ protocol: /^https$/, error: 'URL scheme must be https' }).refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.username === '' && url.search === '' && url.hash === '';
}, 'URL must not contain a username, a password, a query or a fragment');
const claim = z.string().min(1, 'claim name is required');
const prefixed = z.strictObject({
  claim,
  prefix: z.string({ error: 'prefix is required when claim is set. It can be set to an empty string to disable prefixing' }),
});

const expression = z.string().min(1, 'expression is required').max(MAX_EXPRESSION);
const extraKey = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[-a-z0-9._~!$&'()*+,;=:@%/]+$/, 'key must be a lower-case, domain-prefixed path')
  .refine((key) => !/(^|\.)(kubernetes|k8s)\.io\//.test(key), 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use');

const Jwt = z.strictObject({
  issuer: z.strictObject({
    url: httpsUrl,
    discoveryURL: httpsUrl.optional(),
    jwksURL: httpsUrl.optional(),
    certificateAuthority: z
      .string()
      .refine((pem) => certificatesOf(pem).length > 0, 'data does not contain any valid RSA or ECDSA certificates')
      .optional(),
    audiences: z.array(z.string().min(1)).min(1, 'at least one jwt[].issuer.audiences is required'),
    audienceMatchPolicy: z.enum(['MatchAny']).optional(),
  }),
  signingAlgorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).optional(),
  claimValidationRules: z
    .array(
      z.union([
        z.strictObject({ claim, requiredValue: z.string().default('') }),
        z.strictObject({ expression, message: z.string().default('') }),
      ]),
    )
    .max(MAX_RULES)
    .default([]),
  claimMappings: z.strictObject({
    username: z.union([prefixed, z.strictObject({ expression })]),
    groups: z.union([prefixed, z.strictObject({ expression })]).optional(),
    uid: z.union([z.strictObject({ claim }), z.strictObject({ expression })]).optional(),
    extra: z
      .array(z.strictObject({ key: extraKey, valueExpression: expression }))
      .max(MAX_RULES)
      .default([]),
  }),
  userValidationRules: z
    .array(z.strictObject({ expression, message: z.string().default('') }))
    .max(MAX_RULES)
    .default([]),
});

const Configuration = z.strictObject({
  apiVersion: z.enum(['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1']),
  kind: z.literal('AuthenticationConfiguration'),
  jwt: z
    .array(Jwt)
    .max(MAX_ISSUERS)
    .default([])
    .refine((all) => new Set(all.map(({ issuer }) => issuer.url)).size === all.length, 'issuer URLs must be unique'),
  anonymous: z
    .strictObject({ enabled: z.boolean(), conditions: z.array(z.strictObject({ path: z.string().min(1) })).default([]) })
    .refine(({ enabled, conditions }) => enabled || conditions.length === 0, 'enabled must be set to true when conditions are defined')
    .optional(),
});

/**
 * Reads upstream's AuthenticationConfiguration (apiserver.config.k8s.io/v1), YAML or JSON, with `jwksURL` and
 * `signingAlgorithms` besides. Throws one error that names every field that is wrong or not supported (egress selectors).
 * Expressions are compiled by whoever uses them.
 */
export function authenticationConfigurationOf(text: string): AuthenticationConfiguration {
  const parsed = Configuration.safeParse(parse(text));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the authentication configuration does not fit:\n${wrong.join('\n')}`);
  }
  const { jwt, anonymous } = parsed.data;
  return {
    jwt,
    ...(anonymous === undefined ? {} : { anonymous: { enabled: anonymous.enabled, paths: anonymous.conditions.map(({ path }) => path) } }),
  };
}
