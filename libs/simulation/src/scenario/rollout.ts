import { DEPLOYMENTS, REPLICASETS, type Deployment, type PodTemplateSpec, type ReplicaSet } from '#libs/api';
import { controllerOf, type KubeObject } from '#libs/apimachinery';
import { ScenarioError } from './command.js';
import type { ScenarioCluster } from './scenario-cluster.js';
import { laidOut } from './table.js';

const REVISION = 'deployment.kubernetes.io/revision';
const CHANGE_CAUSE = 'kubernetes.io/change-cause';

const revisionOf = ({ metadata }: KubeObject): number => Number(metadata.annotations?.[REVISION] ?? 0);

function replicaSetsOf({ view }: ScenarioCluster, deployment: Deployment): readonly ReplicaSet[] {
  return (view.list(REPLICASETS, deployment.metadata.namespace) as readonly ReplicaSet[])
    .filter((one) => controllerOf(one)?.uid === deployment.metadata.uid)
    .sort((a, b) => revisionOf(a) - revisionOf(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { 'pod-template-hash': _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** What `kubectl rollout undo` does: the template of an older revision becomes the current one. */
async function undo(cluster: ScenarioCluster, deployment: Deployment, to: number): Promise<string> {
  const older = replicaSetsOf(cluster, deployment);
  const target = to > 0 ? older.find((one) => revisionOf(one) === to) : older.at(-2);
  const name = deployment.metadata.name ?? '';
  if (!target)
    throw new ScenarioError(
      to > 0 ? `unable to find specified revision ${to} in history` : `no rollout history found for deployment "${name}"`,
    );
  const operations = [{ op: 'replace', path: '/spec/template', value: withoutHash(target.spec?.template) }];
  await cluster.patch(DEPLOYMENTS, deployment, { type: 'json', operations });
  return `deployment.apps/${name} rolled back`;
}

function history(cluster: ScenarioCluster, deployment: Deployment): string {
  const rows = replicaSetsOf(cluster, deployment).map((one) => [
    String(revisionOf(one)),
    one.metadata.annotations?.[CHANGE_CAUSE] ?? '<none>',
  ]);
  return `deployment.apps/${deployment.metadata.name ?? ''}\n${laidOut([['REVISION', 'CHANGE-CAUSE'], ...rows])}`;
}

/** In the words of kubectl's DeploymentStatusViewer. */
function status({ metadata, spec, status: said }: Deployment): string {
  const name = metadata.name ?? '';
  if ((metadata.generation ?? 0) > (said?.observedGeneration ?? 0)) return 'Waiting for deployment spec update to be observed...';
  const progressing = said?.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return `error: deployment "${name}" exceeded its progress deadline`;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = said ?? {};
  const wanted = spec?.replicas ?? 1;
  const waiting = `Waiting for deployment "${name}" rollout to finish:`;
  if (updatedReplicas < wanted) return `${waiting} ${updatedReplicas} out of ${wanted} new replicas have been updated...`;
  if (replicas > updatedReplicas) return `${waiting} ${replicas - updatedReplicas} old replicas are pending termination...`;
  if (availableReplicas < updatedReplicas) return `${waiting} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`;
  return `deployment "${name}" successfully rolled out`;
}

/** `rollout undo|history|status|pause|resume deployment NAME`. */
export async function rollout(cluster: ScenarioCluster, verb: string, deployment: Deployment, revision: number): Promise<string> {
  const name = deployment.metadata.name ?? '';
  switch (verb) {
    case 'undo':
      return undo(cluster, deployment, revision);
    case 'history':
      return history(cluster, deployment);
    case 'status':
      return status(deployment);
    case 'pause':
    case 'resume':
      await cluster.patch(DEPLOYMENTS, deployment, { type: 'merge', body: { spec: { paused: verb === 'pause' ? true : null } } });
      return `deployment.apps/${name} ${verb}d`;
    default:
      throw new ScenarioError(`unknown: rollout ${verb}`);
  }
}
