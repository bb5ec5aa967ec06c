import type { IncomingMessage } from 'node:http';

const PREFIX = 'base64url.bearer.authorization.k8s.io.';

/** A bearer token as it was sent; or a sentence that says what is wrong with how it was sent. */
export type Bearer = { readonly token: string } | { readonly problem: string } | { readonly warning: string } | undefined;

const SPACE = 'the provided Authorization header contains extra space before the bearer token, and is ignored';

/** The token of the `Authorization` header (request/bearertoken); a second space hides it, as upstream. */
function ofHeader(header: string | undefined): Bearer {
  if (header === undefined) return undefined;
  const trimmed = header.trim();
  const at = trimmed.indexOf(' ');
  if (at < 0 || trimmed.slice(0, at).toLowerCase() !== 'bearer') return undefined;
  const rest = trimmed.slice(at + 1);
  const end = rest.indexOf(' ');
  const token = end < 0 ? rest : rest.slice(0, end);
  if (token !== '') return { token };
  return end < 0 ? undefined : { warning: SPACE };
}

/** The token that browsers send as a WebSocket protocol (request/websocket); taken out, so that it is never echoed. */
function ofProtocols(request: IncomingMessage): Bearer {
  const sent = request.headers['sec-websocket-protocol'];
  if (sent === undefined || !sent.includes(PREFIX) || !/^websocket$/i.test(request.headers.upgrade ?? '')) return undefined;
  const protocols = sent.split(',').map((text) => text.trim());
  const tokens = protocols.filter((text) => text.startsWith(PREFIX));
  const others = protocols.filter((text) => !text.startsWith(PREFIX));
  if (tokens.length > 1) return { problem: 'multiple base64.bearer.authorization tokens specified' };
  const encoded = (tokens[0] ?? '').slice(PREFIX.length);
  if (!/^[A-Za-z0-9_-]*$/.test(encoded)) return { problem: 'invalid base64.bearer.authorization token encoding' };
  if (encoded === '') return undefined;
  const token = Buffer.from(encoded, 'base64url').toString('utf8');
  if (token.includes('\uFFFD')) return { problem: 'invalid base64.bearer.authorization token' };
  if (others.length === 0) return { problem: 'missing additional subprotocol' };
  request.headers['sec-websocket-protocol'] = others.join(', ');
  return { token };
}

/** The bearer token of a request. */
export function bearerOf(request: IncomingMessage): Bearer {
  const found = ofHeader(request.headers.authorization);
  return found !== undefined && 'token' in found ? found : (ofProtocols(request) ?? found);
}
