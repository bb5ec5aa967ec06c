import { BOOL, compile, DYN, listOf, mapOf, objectOf, STRING, toJson, type CelType, type Program } from '#libs/cel';
import type { User } from '../../authorization/authorizer.js';
import type { JwtSettings } from './configuration.js';

/** What a token says, once its signature is believed. */
export type Claims = Readonly<Record<string, unknown>>;

/** What one expression may cost, in upstream's units (`PerCallLimit`). */
const COST = 1_000_000;
const CLAIMS: Readonly<Record<string, CelType>> = { claims: mapOf(STRING, DYN) };
const USER: Readonly<Record<string, CelType>> = {
  user: objectOf('kubernetes.UserInfo', { username: STRING, uid: STRING, groups: listOf(STRING), extra: mapOf(STRING, listOf(STRING)) }),
};

/** Gives a value of the claims; throws Refused in upstream's words. */
type Getter<T> = (claims: Claims) => T;
class Refused extends Error {
  override readonly name = 'Refused';
}

function program(expression: string, variables: Readonly<Record<string, CelType>>, at: string, type?: CelType): Program {
  const compiled = compile(expression, { variables });
  if ('problem' in compiled)
    throw new Error(`the authentication configuration does not fit:\n  ${at}: compilation failed: ${compiled.problem}`);
  const { kind } = compiled.program.type;
  if (type !== undefined && kind !== type.kind && kind !== 'dyn') {
    throw new Error(`the authentication configuration does not fit:\n  ${at}: must evaluate to ${type.kind}`);
  }
  return compiled.program;
}

function evaluated({ evaluate }: Program, name: string, value: unknown, what: string): unknown {
  const result = evaluate((variable) => (variable === name ? value : undefined), COST);
  if ('error' in result) throw new Refused(`oidc: error evaluating ${what} expression: ${result.error}`);
  return toJson(result.value);
}

/** A string or a list of strings; empty ones count for nothing. */
function stringsOf(value: unknown, what: string): readonly string[] {
  const list = value === null || value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (!list.every((each): each is string => typeof each === 'string')) throw new Refused(what);
  return list.filter((text) => text !== '');
}

function username({ username: wanted }: JwtSettings['claimMappings'], at: string): Getter<string> {
  if ('expression' in wanted) {
    const named = program(wanted.expression, CLAIMS, `${at}.username.expression`, STRING);
    return (claims) => {
      const name = evaluated(named, 'claims', claims, 'username claim');
      if (typeof name !== 'string') {
        throw new Refused('oidc: error evaluating username claim expression: username claim expression must return a string');
      }
      if (name === '') throw new Refused('oidc: empty username via CEL expression is not allowed');
      return name;
    };
  }
  return (claims) => {
    const name = claims[wanted.claim];
    if (typeof name !== 'string') throw new Refused(`oidc: parse username claims ${JSON.stringify(wanted.claim)}: claim not present`);
    if (wanted.claim === 'email' && 'email_verified' in claims && claims['email_verified'] !== true)
      throw new Refused('oidc: email not verified');
    return `${wanted.prefix}${name}`;
  };
}

function groups({ groups: wanted }: JwtSettings['claimMappings'], at: string): Getter<readonly string[]> {
  if (wanted === undefined) return () => [];
  if ('expression' in wanted) {
    const listed = program(wanted.expression, CLAIMS, `${at}.groups.expression`);
    const why = 'oidc: error evaluating group claim expression: expression must return a string or a list of strings';
    return (claims) => stringsOf(evaluated(listed, 'claims', claims, 'group claim'), why);
  }
  const why = `oidc: parse groups claim ${JSON.stringify(wanted.claim)}: not a string or a list of strings`;
  return (claims) => stringsOf(claims[wanted.claim], why).map((group) => `${wanted.prefix}${group}`);
}

function uid({ uid: wanted }: JwtSettings['claimMappings'], at: string): Getter<string> {
  if (wanted === undefined) return () => '';
  if ('expression' in wanted) {
    const named = program(wanted.expression, CLAIMS, `${at}.uid.expression`, STRING);
    return (claims) => {
      const id = evaluated(named, 'claims', claims, 'uid claim');
      if (typeof id === 'string') return id;
      throw new Refused('oidc: error evaluating uid claim expression: uid claim expression must return a string');
    };
  }
  return (claims) => {
    const id = claims[wanted.claim];
    if (typeof id === 'string') return id;
    throw new Refused(`oidc: parse uid claim ${JSON.stringify(wanted.claim)}: claim not present`);
  };
}

function extra({ extra: wanted }: JwtSettings['claimMappings'], at: string): Getter<Readonly<Record<string, readonly string[]>>> {
  const named = wanted.map(({ key, valueExpression }, i) => ({
    key,
    value: program(valueExpression, CLAIMS, `${at}.extra[${i}].valueExpression`),
    why: `oidc: error evaluating extra claim expression: ${valueExpression}: expression must return a string or a list of strings`,
  }));
  return (claims) => {
    const jti = claims['jti'];
    const found: Record<string, readonly string[]> = {};
    if (typeof jti === 'string' && jti !== '') found['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
    for (const { key, value, why } of named) {
      const values = stringsOf(evaluated(value, 'claims', claims, 'extra claim'), why);
      if (values.length > 0) found[key] = values;
    }
    return found;
  };
}

/** Throws where the claims break a rule. */
function claimRules(rules: JwtSettings['claimValidationRules'], at: string): Getter<void> {
  const checks = rules.map((rule, i): Getter<void> => {
    if ('expression' in rule) {
      const holds = program(rule.expression, CLAIMS, `${at}[${i}].expression`, BOOL);
      return (claims) => {
        if (evaluated(holds, 'claims', claims, 'claim validation') === true) return;
        const why = `validation expression '${rule.expression}' failed: ${rule.message}`;
        throw new Refused(`oidc: error evaluating claim validation expression: ${why}`);
      };
    }
    const { claim, requiredValue } = rule;
    return (claims) => {
      const found = claims[claim];
      if (found === undefined) throw new Refused(`oidc: required claim ${claim} not present in ID token`);
      if (typeof found !== 'string') throw new Refused(`oidc: parse claim ${claim}: not a string`);
      if (found !== requiredValue) throw new Refused(`oidc: required claim ${claim} value does not match`);
    };
  });
  return (claims) => {
    for (const check of checks) check(claims);
  };
}

function userRules(rules: JwtSettings['userValidationRules'], at: string): (user: User) => void {
  const checks = rules.map(({ expression, message }, i) => ({
    holds: program(expression, USER, `${at}[${i}].expression`, BOOL),
    expression,
    message,
  }));
  return ({ name, uid: id = '', groups: held, extra: more = {} }) => {
    for (const { holds, expression, message } of checks) {
      if (evaluated(holds, 'user', { username: name, uid: id, groups: held, extra: more }, 'user info validation') === true) continue;
      throw new Refused(`oidc: error evaluating user info validation rule: validation expression '${expression}' failed: ${message}`);
    }
  };
}

/** Whoever is named by an address must see to it that the address is his. */
function checkEmail({ claimMappings, claimValidationRules }: JwtSettings, at: string): void {
  const { username: wanted, extra: more } = claimMappings;
  if (!('expression' in wanted) || !/\bclaims\.email\b/.test(wanted.expression)) return;
  const expressions = [
    wanted.expression,
    ...more.map(({ valueExpression }) => valueExpression),
    ...claimValidationRules.flatMap((rule) => ('expression' in rule ? [rule.expression] : [])),
  ];
  if (expressions.some((text) => /\bclaims\.(\?)?email_verified\b/.test(text))) return;
  throw new Error(
    `the authentication configuration does not fit:\n  ${at}.username.expression: claims.email_verified must be used in ` +
      'claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression ' +
      'when claims.email is used in claimMappings.username.expression',
  );
}

/** Makes users of an issuer's claims: a sentence where they make none. Throws where an expression can't be compiled. */
export function userMapping(settings: JwtSettings, at: string): (claims: Claims) => User | string {
  const mappings = `${at}.claimMappings`;
  checkEmail(settings, mappings);
  const nameOf = username(settings.claimMappings, mappings);
  const groupsOf = groups(settings.claimMappings, mappings);
  const uidOf = uid(settings.claimMappings, mappings);
  const extraOf = extra(settings.claimMappings, mappings);
  const checkClaims = claimRules(settings.claimValidationRules, `${at}.claimValidationRules`);
  const checkUser = userRules(settings.userValidationRules, `${at}.userValidationRules`);
  return (claims) => {
    try {
      const name = nameOf(claims);
      const held = groupsOf(claims);
      const id = uidOf(claims);
      const more = extraOf(claims);
      const user: User = {
        name,
        ...(id === '' ? {} : { uid: id }),
        groups: held,
        ...(Object.keys(more).length === 0 ? {} : { extra: more }),
      };
      checkClaims(claims);
      checkUser(user);
      return user;
    } catch (error) {
      if (error instanceof Refused) return error.message;
      throw error;
    }
  };
}
