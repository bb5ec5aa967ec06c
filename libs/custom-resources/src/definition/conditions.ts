import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../types.js';

/** A condition of a definition; undefined where it has none of the type. */
export const conditionOf = ({ status }: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

const holds = (crd: CustomResourceDefinition, type: string): boolean => conditionOf(crd, type)?.status === 'True';

/** Whether a definition's resources are served. */
export const isEstablished = (crd: CustomResourceDefinition): boolean => holds(crd, 'Established');

/** Whether a definition is on its way out, with all its objects. */
export const isTerminating = (crd: CustomResourceDefinition): boolean =>
  crd.metadata.deletionTimestamp !== undefined || holds(crd, 'Terminating');
