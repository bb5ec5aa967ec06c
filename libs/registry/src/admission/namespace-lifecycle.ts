import { NAMESPACES, type Namespace } from '#libs/api';
import { forbidden, notFound, StatusError } from '#libs/apimachinery';
import { namespaceOf, type Case } from '../case.js';

/** The namespaces that upstream keeps from being deleted. */
const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/** The cause by which clients tell a refusal in a terminating namespace from others (core/v1 NamespaceTerminatingCause). */
const TERMINATING_CAUSE = 'NamespaceTerminating';

/** Objects are written only in namespaces that exist, and created only in those that aren't going away. */
export function admitToNamespace(given: Case, operation: 'create' | 'update', name: string): void {
  const namespace = namespaceOf(given);
  if (namespace === '') return;
  const found = given.read.object(NAMESPACES, '', namespace)?.object as Namespace | undefined;
  if (!found) throw notFound(NAMESPACES, namespace);
  if (operation !== 'create' || found.status?.phase !== 'Terminating') return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { message, details } = forbidden(given.definition.resource, name, why);
  const cause = { reason: TERMINATING_CAUSE, message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  throw new StatusError('Forbidden', message, { ...details, causes: [cause] });
}

/** Some namespaces can't be deleted. */
export function admitNamespaceDeletion(name: string): void {
  if (IMMORTAL.includes(name)) throw forbidden(NAMESPACES, name, 'this namespace may not be deleted');
}
