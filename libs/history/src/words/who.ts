import type { HistoryActor, Revision } from '../wire.js';

/** What an actor is, as far as it matters to whoever reads. */
export type ActorKind = 'controller' | 'scheduler' | 'kubelet' | 'serviceaccount' | 'user';

/** An actor in words: `name` where there is little room, `phrase` within a sentence. */
export interface Who {
  readonly kind: ActorKind;
  readonly name: string;
  readonly phrase: string;
}

/** Controllers whose names say too little, in words. */
const CONTROLLERS: Readonly<Record<string, string>> = {
  'replicaset-controller': 'the ReplicaSet controller',
  'replicationcontroller-controller': 'the ReplicationController controller',
  'replication-controller': 'the ReplicationController controller',
  'deployment-controller': 'the Deployment controller',
  'statefulset-controller': 'the StatefulSet controller',
  'daemonset-controller': 'the DaemonSet controller',
  'job-controller': 'the Job controller',
  'job-controller-orphans': 'the Job controller',
  'cronjob-controller': 'the CronJob controller',
  'horizontal-pod-autoscaler': 'the autoscaler',
  'garbage-collector-controller': 'the garbage collector',
  'pod-garbage-collector-controller': "the pods' garbage collector",
  'namespace-controller': 'the namespace controller',
  'node-lifecycle-controller': 'the node controller',
  'taint-eviction-controller': 'the taint eviction controller',
  'ttl-after-finished-controller': 'the TTL controller of finished Jobs',
  'persistentvolume-binder': 'the volume binder',
  'disruption-controller': 'the disruption controller',
  'endpoint-controller': 'the endpoints controller',
  'endpointslice-controller': 'the EndpointSlice controller',
  'serviceaccount-controller': 'the service account controller',
  'resourcequota-controller': 'the quota controller',
  'event-sweeper': 'the sweeper of old Events',
};

/** The controller's name in words: `the Deployment controller`. */
export function controllerPhrase(name: string): string {
  const known = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
  if (known !== undefined) return known;
  const node = /^kubelet-(.+)$/.exec(name)?.[1];
  if (node !== undefined) return `the kubelet of ${node}`;
  if (name.includes('scheduler')) return 'the scheduler';
  return name.endsWith('-controller') ? `the ${name.slice(0, -'-controller'.length)} controller` : `the controller ${name}`;
}

const controllerKind = (name: string): ActorKind =>
  name.startsWith('kubelet-') ? 'kubelet' : name.includes('scheduler') ? 'scheduler' : 'controller';

function userOf({ user, impersonator }: HistoryActor): Who {
  const by = impersonator === undefined ? '' : ` (really ${impersonator})`;
  const [, node] = /^system:node:(.+)$/.exec(user) ?? [];
  if (node !== undefined) return { kind: 'kubelet', name: `kubelet ${node}${by}`, phrase: `the kubelet of ${node}${by}` };
  const [, namespace, account] = /^system:serviceaccount:([^:]+):(.+)$/.exec(user) ?? [];
  if (namespace !== undefined && account !== undefined)
    return { kind: 'serviceaccount', name: `sa ${namespace}/${account}${by}`, phrase: `service account ${namespace}/${account}${by}` };
  const name = user === '' ? 'nobody' : user;
  return { kind: 'user', name: `${name}${by}`, phrase: `${name}${by}` };
}

/** Who made a change: the controller that decided it, or else whoever asked for it. */
export function whoOf({ actor, decision }: Pick<Revision, 'actor' | 'decision'>): Who {
  if (decision === undefined) return userOf(actor);
  const { controller } = decision;
  return { kind: controllerKind(controller), name: controller, phrase: controllerPhrase(controller) };
}

/** Who an entry of the trail is about. */
export const activityWho = (actor: HistoryActor, controller: string | undefined): Who =>
  controller === undefined ? userOf(actor) : { kind: controllerKind(controller), name: controller, phrase: controllerPhrase(controller) };

const KUBECTL_COMMANDS: Readonly<Record<string, string>> = { 'client-side-apply': 'apply', last: 'apply' };

/** The kubectl command that a field manager gives away: `kubectl set` writes as `kubectl-set`. */
export function kubectlCommand(fieldManager: string | undefined): string | undefined {
  const [, word] = /^kubectl-(.+)$/.exec(fieldManager ?? '') ?? [];
  return word === undefined ? undefined : `kubectl ${(Object.hasOwn(KUBECTL_COMMANDS, word) ? KUBECTL_COMMANDS[word] : undefined) ?? word}`;
}

/** The program that asked, without its version and build: `kubectl`, `helm`, `argocd`. */
export const programOf = (agent: string | undefined): string | undefined => /^[^/\s(]+/.exec(agent ?? '')?.[0];

/** A field manager that says something: `unknown` stands where a client gave no name. */
export const managerOf = (fieldManager: string | undefined): string | undefined => (fieldManager === 'unknown' ? undefined : fieldManager);

/** How a change was asked for: the verb and what of the object it was about, and the command or field manager where that says more. */
export function howOf({ verb, subresource, fieldManager, agent, decision }: Revision): string {
  const did = subresource === undefined ? verb : `${verb} ${subresource}`;
  if (decision !== undefined) return did;
  const command = kubectlCommand(fieldManager);
  if (command !== undefined) return `${did} (${command})`;
  const program = managerOf(fieldManager) ?? programOf(agent);
  return program === undefined ? did : `${did} (${program})`;
}
