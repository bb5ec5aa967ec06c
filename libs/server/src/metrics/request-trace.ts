import type { IncomingMessage } from 'node:http';
import type { RequestTrace } from '#libs/runtime';
import type { User } from '../authorization/authorizer.js';
import type { RequestInfo } from '../request-info.js';

/** A request that has just been answered, as traces tell of it. Neither its query nor its body is part of that. */
export function requestTraceOf(
  id: string,
  info: RequestInfo,
  { headers }: IncomingMessage,
  user: User | undefined,
  code: number,
  ms: number,
): RequestTrace {
  const { traceparent } = headers;
  const agent = headers['user-agent'];
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const end = Date.now();
  return {
    id,
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...{ verb, group, version, resource, subresource, namespace, name, code },
    ...(user === undefined ? {} : { user: user.name }),
    ...(agent === undefined ? {} : { agent }),
    begin: end - ms,
    end,
  };
}
