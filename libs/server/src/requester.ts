import type { IncomingMessage } from 'node:http';
import type { Requester } from '#libs/registry';
import type { Call } from './call.js';

const MAX_MANAGER_LENGTH = 128;
const NODES = 'system:nodes';

/** Where a request comes from; undefined where its connection is gone. */
export const addressOf = ({ socket }: IncomingMessage): string | undefined => socket.remoteAddress?.replace(/^::ffff:/, '');

/** Who writes, as the event's headers will tell. */
export function requesterOf({ request, query, user, auditId }: Call): Requester {
  const agent = request.headers['user-agent'];
  const sourceAddress = addressOf(request);
  const asked = query.get('fieldManager') ?? '';
  return {
    client: true,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
    ...(user.groups.includes(NODES) ? { answers: true } : {}),
    actor: {
      user: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.impersonator === undefined ? {} : { impersonator: user.impersonator }),
    },
    ...(agent === undefined ? {} : { agent }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    requestId: auditId,
    // Without a name of its own, a manager is called by its program (apiserver `managerOrUserAgent`).
    fieldManager: asked === '' ? [...((agent ?? '').split('/')[0] ?? '')].slice(0, MAX_MANAGER_LENGTH).join('') || 'unknown' : asked,
  };
}
