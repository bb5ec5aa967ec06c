import { timingSafeEqual, createHash } from 'node:crypto';
import type { User } from '../authorization/authorizer.js';

const MAX_BYTES = 1024 * 1024;

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * The users of a token file: one line each, `token,user,uid[,"group,group"]` (token/tokenfile). Throws where a line has
 * fewer than three columns; no message ever holds a token.
 */
export function staticTokens(csv: string): (token: string) => User | undefined {
  if (csv.length > MAX_BYTES) throw new RangeError(`the token file is larger than ${MAX_BYTES} bytes`);
  const users = new Map<string, { readonly digest: Buffer; readonly user: User }>();
  for (const [number, line] of csv.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [token = '', name = '', uid, groups] = columnsOf(line, number + 1);
    if (uid === undefined) {
      throw new SyntaxError(`the token file must have at least 3 columns (token, user name, user uid); line ${number + 1} has fewer`);
    }
    if (token === '') continue;
    const key = digest(token);
    const user: User = { name, ...(uid === '' ? {} : { uid }), groups: groups === undefined ? [] : groups.split(',') };
    users.set(key.toString('base64'), { digest: key, user });
  }
  return (token) => {
    const asked = digest(token);
    const found = users.get(asked.toString('base64'));
    return found !== undefined && timingSafeEqual(found.digest, asked) ? found.user : undefined;
  };
}

/** The columns of one line (RFC 4180, without line breaks inside of quotes). */
function columnsOf(line: string, number: number): readonly string[] {
  const columns: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    const plain = quoted ? null : /^([^",]*)(,|$)/.exec(rest);
    const found = quoted ?? plain;
    if (!found) throw new SyntaxError(`the token file has a quote out of place in line ${number}`);
    columns.push(quoted ? (found[1] ?? '').replaceAll('""', '"') : (found[1] ?? ''));
    if (found[2] === '') return columns;
    rest = rest.slice(found[0].length);
  }
}
