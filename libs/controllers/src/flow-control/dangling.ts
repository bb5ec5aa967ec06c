import { FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS, type FlowSchema } from '#libs/api';
import type { Controller } from '#libs/apimachinery';
import { conditionOf, withCondition } from '../conditions.js';
import { ownKey } from '../watching.js';

/** A flow schema, and whether the level it leads to is there. */
export interface DanglingSnapshot {
  readonly schema: FlowSchema;
  readonly found: boolean;
}

const levelOf = ({ spec }: FlowSchema): string => spec?.priorityLevelConfiguration.name ?? '';

function danglingOf({ schema, found }: DanglingSnapshot) {
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(levelOf(schema))}`;
  return found
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${about} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${about} but there is no such object` };
}

/** Says of each flow schema whether its level is there: kube-apiserver's `priority-and-fairness-config-consumer`. */
export const flowSchemaStatus: Controller<DanglingSnapshot> = {
  name: 'priority-and-fairness-config-consumer',
  actor: 'system:apiserver',
  watches: [
    ownKey(FLOWSCHEMAS),
    {
      resource: PRIORITYLEVELCONFIGURATIONS,
      keys(next, old, lister) {
        if (next && old) return [];
        const name = (next ?? old)?.metadata.name;
        return (lister.list(FLOWSCHEMAS) as readonly FlowSchema[])
          .filter((schema) => levelOf(schema) === name)
          .map(({ metadata }) => metadata.name ?? '');
      },
    },
  ],
  snapshot(key, lister) {
    const schema = lister.get(FLOWSCHEMAS, undefined, key) as FlowSchema | undefined;
    return schema && { schema, found: lister.get(PRIORITYLEVELCONFIGURATIONS, undefined, levelOf(schema)) !== undefined };
  },
  reconcile(snapshot, now) {
    const { schema } = snapshot;
    const wanted = danglingOf(snapshot);
    const old = conditionOf(schema.status?.conditions as readonly (typeof wanted)[] | undefined, wanted.type);
    if (old?.status === wanted.status && old.message === wanted.message) return { changes: [] };
    const conditions = withCondition((schema.status?.conditions ?? []) as readonly (typeof wanted)[], wanted, now);
    const object: FlowSchema = { ...schema, status: { ...schema.status, conditions } };
    return { changes: [{ verb: 'update', resource: FLOWSCHEMAS, subresource: 'status', object }] };
  },
};
