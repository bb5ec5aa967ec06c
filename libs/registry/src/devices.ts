import {
  NAMESPACES,
  RESOURCECLAIMS,
  RESOURCECLAIMTEMPLATES,
  type DeviceClaim,
  type ResourceClaimTemplate,
  type ResourceResourceClaim,
} from '#libs/api';
import { forbiddenField, type FieldError, type KubeObject } from '#libs/apimachinery';
import { namespaceOf, type Case } from './case.js';

/** Says that claims in a namespace may have access to devices that are in use. */
const ADMIN_ACCESS = 'resource.kubernetes.io/admin-access';

function devicesOf({ group, resource }: Case['definition']['resource'], object: KubeObject): DeviceClaim | undefined {
  if (group !== RESOURCECLAIMS.group) return undefined;
  if (resource === RESOURCECLAIMS.resource) return (object as ResourceResourceClaim).spec.devices;
  return resource === RESOURCECLAIMTEMPLATES.resource ? (object as ResourceClaimTemplate).spec.spec.devices : undefined;
}

/** Access to devices whoever else uses them is for namespaces that are made for it (KEP-5018). */
export function adminAccessProblems(given: Case, object: KubeObject): readonly FieldError[] {
  const asked = devicesOf(given.definition.resource, object)?.requests?.some(({ exactly }) => exactly?.adminAccess === true) === true;
  if (!asked) return [];
  const labels = given.read.object(NAMESPACES, '', namespaceOf(given))?.object.metadata.labels ?? {};
  if (labels[ADMIN_ACCESS] === 'true') return [];
  return [forbiddenField('', `admin access to devices requires the \`${ADMIN_ACCESS}: true\` label on the containing namespace`)];
}
