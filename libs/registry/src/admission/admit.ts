import type { Node, Pod } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { admitNode } from './node-taint.js';
import { admitPriority, admitTolerations, keepPriority } from './pod-defaults.js';
import { admitServiceAccount } from './service-account.js';

const isResource = ({ definition }: Case, group: string, resource: string): boolean =>
  definition.resource.group === group && definition.resource.resource === resource;

/** The mutating admission of a new object, in upstream's order. `name` is how refusals call it. */
export function admitCreate(object: KubeObject, name: string, given: Case): KubeObject {
  if (isResource(given, '', 'pods')) {
    return admitTolerations(admitPriority(admitServiceAccount(object as Pod, name, given), name));
  }
  return isResource(given, '', 'nodes') ? admitNode(object as Node) : object;
}

/** The mutating admission of a changed object of the main resource. */
export function admitUpdate(next: KubeObject, old: KubeObject, given: Case): KubeObject {
  return isResource(given, '', 'pods') ? admitTolerations(keepPriority(next as Pod, old as Pod)) : next;
}
