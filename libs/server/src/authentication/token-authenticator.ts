import type { User } from '../authorization/authorizer.js';

/** A token that was believed: whose it is, and for which of the wanted audiences. */
export interface AuthenticatedToken {
  readonly user: User;
  readonly audiences: readonly string[];
}

/** Whose a token is; a sentence that says why it is not believed; undefined where it is another authenticator's. */
export type TokenOutcome = AuthenticatedToken | string | undefined;

/** Believes one kind of bearer tokens, for any of the wanted audiences. Never throws for what a token says. */
export interface TokenAuthenticator {
  authenticate(token: string, wanted: readonly string[]): TokenOutcome | Promise<TokenOutcome>;
}

/** Longer tokens are nobody's. */
const MAX_TOKEN_LENGTH = 32 * 1024;
const INVALID = 'invalid bearer token';

/**
 * All authenticators in a row: the first that believes decides (token/union `New`). What the others said against it
 * is told together.
 */
export class TokenUnion implements TokenAuthenticator {
  constructor(private readonly authenticators: readonly TokenAuthenticator[]) {}

  async authenticate(token: string, wanted: readonly string[]): Promise<AuthenticatedToken | string> {
    if (token.length > MAX_TOKEN_LENGTH) return INVALID;
    const problems: string[] = [];
    for (const authenticator of this.authenticators) {
      const outcome = await authenticator.authenticate(token, wanted);
      if (typeof outcome === 'object') return outcome;
      if (outcome !== undefined) problems.push(outcome);
    }
    const different = [...new Set(problems)];
    if (different.length === 0) return INVALID;
    return different.length === 1 ? (different[0] ?? INVALID) : `[${different.join(', ')}]`;
  }
}

/**
 * An authenticator whose tokens name no audience: they are for the server's own, and for nobody else
 * (`WrapAudienceAgnosticToken`).
 */
export function audienceAgnostic(
  own: readonly string[],
  find: (token: string) => User | string | undefined | Promise<User | string | undefined>,
): TokenAuthenticator {
  return {
    async authenticate(token, wanted) {
      const audiences = wanted.filter((audience) => own.includes(audience));
      if (audiences.length === 0) return undefined;
      const user = await find(token);
      return typeof user === 'object' ? { user, audiences } : user;
    },
  };
}
