import { Opaque, type Value } from '../evaluation/values.js';
import { member, type Overload } from './function.js';

/** What an expression asks the authorizer: of a path, or of a resource. `user`: another account than the request's own. */
export interface AuthorizerCheck {
  readonly verb: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

/** What the authorizer answers. */
export interface AuthorizerAnswer {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

/** The `authorizer` of an expression. Give it a function that answers checks. */
export class Authorizer extends Opaque {
  readonly type = 'kubernetes.authorization.Authorizer';
  constructor(
    readonly check: (asked: AuthorizerCheck) => AuthorizerAnswer,
    readonly asked: Partial<AuthorizerCheck> = {},
  ) {
    super();
  }
  equals(other: Opaque): boolean {
    return this === other;
  }
}

class Pending extends Opaque {
  constructor(
    readonly type: string,
    readonly authorizer: Authorizer,
    readonly asked: Partial<AuthorizerCheck>,
  ) {
    super();
  }
  equals(other: Opaque): boolean {
    return this === other;
  }
}

/** An authorizer that has been asked for one resource: the `authorizer.requestResource` of an admission expression. */
export const authorizerOfResource = (authorizer: Authorizer, asked: Omit<AuthorizerCheck, 'verb'>): Value =>
  new Pending(RESOURCE, authorizer, asked);

class Decision extends Opaque {
  readonly type = 'kubernetes.authorization.Decision';
  constructor(readonly answer: AuthorizerAnswer) {
    super();
  }
  equals(other: Opaque): boolean {
    return this === other;
  }
}

const NAME = 'kubernetes.authorization';
const AUTHORIZER = `${NAME}.Authorizer`;
const PATH = `${NAME}.PathCheck`;
const GROUP = `${NAME}.GroupCheck`;
const RESOURCE = `${NAME}.ResourceCheck`;
const DECISION = `${NAME}.Decision`;
/** Upstream prices a check so that an expression can afford two. */
const CHECK_COST = 350_000;

const start = (type: string, from: Value | undefined, asked: Partial<AuthorizerCheck>): Pending =>
  new Pending(type, from as Authorizer, { ...(from as Authorizer).asked, ...asked });
const add = (type: string, from: Value | undefined, asked: Partial<AuthorizerCheck>): Pending =>
  new Pending(type, (from as Pending).authorizer, { ...(from as Pending).asked, ...asked });

function decide([from, verb]: readonly Value[]): Decision {
  const { authorizer, asked } = from as Pending;
  return new Decision(authorizer.check({ ...asked, verb: verb as string }));
}

const answer = (value: Value | undefined): AuthorizerAnswer => (value as Decision).answer;

/** Kubernetes' authorizer in expressions. Selectors of a check are taken and don't narrow it: RBAC knows none. */
export const AUTHORIZER_FUNCTIONS: readonly Overload[] = [
  member(`${AUTHORIZER}.path(string): ${PATH}`, ([from, path]) => start(PATH, from, { path: path as string })),
  member(`${AUTHORIZER}.group(string): ${GROUP}`, ([from, group]) => start(GROUP, from, { group: group as string })),
  member(
    `${AUTHORIZER}.serviceAccount(string, string): ${AUTHORIZER}`,
    ([from, namespace, name]) =>
      new Authorizer((from as Authorizer).check, {
        ...(from as Authorizer).asked,
        serviceAccount: { namespace: namespace as string, name: name as string },
      }),
  ),
  member(`${GROUP}.resource(string): ${RESOURCE}`, ([from, resource]) => add(RESOURCE, from, { resource: resource as string })),
  ...(['subresource', 'namespace', 'name'] as const).map((part) =>
    member(`${RESOURCE}.${part}(string): ${RESOURCE}`, ([from, value]) => add(RESOURCE, from, { [part]: value as string })),
  ),
  ...['fieldSelector', 'labelSelector'].map((part) => member(`${RESOURCE}.${part}(string): ${RESOURCE}`, ([from]) => from as Pending)),
  member(`${PATH}.check(string): ${DECISION}`, decide, () => CHECK_COST),
  member(`${RESOURCE}.check(string): ${DECISION}`, decide, () => CHECK_COST),
  member(`${DECISION}.allowed(): bool`, ([decision]) => answer(decision).allowed),
  member(`${DECISION}.reason(): string`, ([decision]) => answer(decision).reason ?? ''),
  member(`${DECISION}.errored(): bool`, ([decision]) => answer(decision).error !== undefined),
  member(`${DECISION}.error(): string`, ([decision]) => answer(decision).error ?? ''),
];
