import { CONTROLLERREVISIONS, type ControllerRevision, type DaemonSet, type ResourceDefinition, type StatefulSet } from '#libs/api';
import { controllerOf } from '#libs/apimachinery';
import { ScenarioError } from './command.js';
import { kindName, type ScenarioCluster } from './scenario-cluster.js';
import { laidOut } from './table.js';

const CHANGE_CAUSE = 'kubernetes.io/change-cause';

const revisionsOf = ({ view }: ScenarioCluster, { metadata }: StatefulSet | DaemonSet): readonly ControllerRevision[] =>
  (view.list(CONTROLLERREVISIONS, metadata.namespace) as readonly ControllerRevision[])
    .filter((one) => controllerOf(one)?.uid === metadata.uid)
    .sort((a, b) => a.revision - b.revision);

/** In the words of kubectl's StatefulSetStatusViewer, where all pods are to be rolled over. */
function statefulSetStatus({ metadata, spec, status }: StatefulSet): string {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'Waiting for statefulset spec update to be observed...';
  const { readyReplicas = 0, updatedReplicas = 0, currentReplicas = 0, currentRevision = '', updateRevision = '' } = status ?? {};
  const { replicas = 1 } = spec ?? {};
  if (readyReplicas < replicas) return `Waiting for ${replicas - readyReplicas} pods to be ready...`;
  if (currentRevision !== updateRevision) {
    return `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${updateRevision}...`;
  }
  return `statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`;
}

/** In the words of kubectl's DaemonSetStatusViewer. */
function daemonSetStatus({ metadata, status }: DaemonSet): string {
  const name = metadata.name ?? '';
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'Waiting for daemon set spec update to be observed...';
  const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status ?? {};
  const waiting = `Waiting for daemon set "${name}" rollout to finish:`;
  if (updatedNumberScheduled < wanted) return `${waiting} ${updatedNumberScheduled} out of ${wanted} new pods have been updated...`;
  if (numberAvailable < wanted) return `${waiting} ${numberAvailable} of ${wanted} updated pods are available...`;
  return `daemon set "${name}" successfully rolled out`;
}

/** `rollout undo|history|status` of a StatefulSet or DaemonSet, whose past templates are ControllerRevisions. */
export async function revisionRollout(
  cluster: ScenarioCluster,
  verb: string,
  definition: ResourceDefinition,
  workload: StatefulSet | DaemonSet,
  to: number,
): Promise<string> {
  const revisions = revisionsOf(cluster, workload);
  const named = `${kindName(definition)}/${workload.metadata.name ?? ''}`;
  if (verb === 'status')
    return workload.kind === 'DaemonSet' ? daemonSetStatus(workload as DaemonSet) : statefulSetStatus(workload as StatefulSet);
  if (verb === 'history') {
    const rows = revisions.map(({ revision, metadata }) => [String(revision), metadata.annotations?.[CHANGE_CAUSE] ?? '<none>']);
    return `${named}\n${laidOut([['REVISION', 'CHANGE-CAUSE'], ...rows])}`;
  }
  if (verb !== 'undo') throw new ScenarioError(`unknown: rollout ${verb}`);
  const target = to > 0 ? revisions.find(({ revision }) => revision === to) : revisions.at(-2);
  if (!target) throw new ScenarioError(`no rollout history found for ${named}`);
  await cluster.patch(definition.resource, workload, { type: 'strategic', body: target.data });
  return `${named} rolled back`;
}
