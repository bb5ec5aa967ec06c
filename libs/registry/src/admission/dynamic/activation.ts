import { NAMESPACES, type Namespace } from '#libs/api';
import { ClusterAuthorizer, type Subject } from '#libs/authorization';
import { Authorizer, authorizerOfResource, type AuthorizerAnswer, type AuthorizerCheck } from '#libs/cel';
import type { KubeObject } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import type { Attributes, Operation } from '../plugin.js';
import { requestNamespace, type Matched } from './matching.js';

const OPTIONS: Readonly<Record<Operation, string>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: '',
};

/** The options of the request as the client gave them: metav1's, by its verb. */
function optionsOf({ request }: Case, { operation }: Attributes): unknown {
  const { options, requester, verb } = request;
  const { fieldManager } = requester;
  const kind = verb === 'patch' && operation !== 'DELETE' ? 'PatchOptions' : OPTIONS[operation];
  if (kind === '') return undefined;
  const { dryRun, fieldValidation, force, gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = options;
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(operation !== 'DELETE' && fieldManager ? { fieldManager } : {}),
    ...(operation !== 'DELETE' && fieldValidation ? { fieldValidation } : {}),
    ...(force === undefined ? {} : { force }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(preconditions === undefined ? {} : { preconditions }),
  };
}

const kindOnly = ({ group, version, kind }: Matched['kind']): object => ({ group, version, kind });
const resourceOnly = ({ group, version, resource }: Matched['resource']): object => ({ group, version, resource });

/** The request as admission.k8s.io/v1 AdmissionRequest, without its objects and uid. */
export function admissionRequest(given: Case, attributes: Attributes, matched: Matched, own: Matched): Readonly<Record<string, unknown>> {
  const { request, definition } = given;
  const { actor, extra } = request.requester;
  const namespace = requestNamespace(given, attributes);
  const name = attributes.operation === 'CREATE' ? (attributes.object?.metadata.name ?? '') : attributes.name;
  const { subresource } = attributes;
  const options = optionsOf(given, attributes);
  return {
    kind: kindOnly(matched.kind),
    resource: resourceOnly(matched.resource),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: kindOnly(own.kind),
    requestResource: resourceOnly(definition.resource),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation: attributes.operation,
    userInfo: {
      username: actor.user,
      ...(actor.uid ? { uid: actor.uid } : {}),
      ...(actor.groups?.length ? { groups: actor.groups } : {}),
      ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
    },
    dryRun: request.options.dryRun === true,
    ...(options === undefined ? {} : { options }),
  };
}

function subjectOf({ request: { requester } }: Case, asked: AuthorizerCheck): Subject {
  const { serviceAccount } = asked;
  if (!serviceAccount) return { name: requester.actor.user, groups: requester.actor.groups ?? [] };
  const { namespace, name } = serviceAccount;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

function authorizerOf(given: Case): Authorizer {
  const { read } = given;
  let cluster: ClusterAuthorizer | undefined;
  const check = (asked: AuthorizerCheck): AuthorizerAnswer => {
    cluster ??= new ClusterAuthorizer({
      get: (resource, namespace, name) => read.object(resource, namespace ?? '', name)?.object,
      list: (resource, namespace) => read.list(resource, namespace),
    });
    const user = subjectOf(given, asked);
    const { verb, path, group = '', resource = '', subresource = '', namespace = '', name = '' } = asked;
    if (path !== undefined) return cluster.authorize({ kind: 'path', user, verb, path });
    return cluster.authorize({ kind: 'resource', user, verb, group, resource, subresource, namespace, name });
  };
  return new Authorizer(check);
}

/** The fields of a Namespace that expressions see. */
function namespaceObject(given: Case, { namespace }: Attributes): unknown {
  if (namespace === '') return null;
  const found = given.read.object(NAMESPACES, '', namespace)?.object as Namespace | undefined;
  if (!found) return null;
  const { managedFields: _managed, ownerReferences: _owners, ...metadata } = found.metadata;
  return { metadata, ...(found.spec ? { spec: found.spec } : {}), ...(found.status ? { status: found.status } : {}) };
}

/** What the expressions of one webhook or policy see of a request. */
export type Activation = (name: string) => unknown;

/** The variables of admission's expressions, worked out when they are first asked for. */
export function activationOf(given: Case, attributes: Attributes, matched: Matched, own: Matched, params?: KubeObject | null): Activation {
  const known = new Map<string, unknown>();
  const { resource } = given.definition;
  const asked = {
    group: resource.group,
    resource: resource.resource,
    subresource: attributes.subresource,
    namespace: attributes.namespace,
    name: attributes.name,
  };
  const make = (name: string): unknown => {
    switch (name) {
      case 'object':
        return matched.convert(attributes.object) ?? null;
      case 'oldObject':
        return matched.convert(attributes.old) ?? null;
      case 'request':
        return admissionRequest(given, attributes, matched, own);
      case 'namespaceObject':
        return namespaceObject(given, attributes);
      case 'params':
        return params;
      case 'authorizer':
        return authorizerOf(given);
      case 'authorizer.requestResource':
        return authorizerOfResource(authorizerOf(given), asked);
      default:
        return undefined;
    }
  };
  return (name) => {
    if (!known.has(name)) known.set(name, make(name));
    return known.get(name);
  };
}
