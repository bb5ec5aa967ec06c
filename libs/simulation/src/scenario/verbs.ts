import { parse } from 'yaml';
import { DEPLOYMENTS, NODES, PODS, type DaemonSet, type Deployment, type Node, type Pod, type StatefulSet, type Taint } from '#libs/api';
import { formatTime, type KubeObject, type PropagationPolicy } from '#libs/apimachinery';
import type { Position } from '#libs/log';
import { durationMs, ScenarioError, type Command } from './command.js';
import { eventLines } from './history.js';
import { revisionRollout } from './revision-rollout.js';
import { rollout } from './rollout.js';
import { kindName, type ScenarioCluster } from './scenario-cluster.js';
import { objectTable } from './table.js';

/** What commands of one scenario hand on to each other. */
export interface ScenarioState {
  readonly on: ScenarioCluster;
  /** Where the last `events` ended. */
  told: Position;
  nodes: number;
  readonly prefixes: Map<string, string>;
}

type Verb = (state: ScenarioState, command: Command) => Promise<string>;

const CASCADE: Readonly<Record<string, PropagationPolicy>> = { foreground: 'Foreground', orphan: 'Orphan', background: 'Background' };

const namespaceOf = ({ options }: Command): string => options.get('namespace') ?? 'default';

/** The kind and the name in `deployment web` or `deployment/web`. */
function target({ words, text }: Command, at = 1): readonly [kind: string, name: string] {
  const [kind = '', name = words[at + 1]] = (words[at] ?? '').split('/');
  if (kind === '' || name === undefined) throw new ScenarioError(`"${text}" needs a kind and a name`);
  return [kind, name];
}

const create: Verb = async ({ on }, command) => {
  const [, kind, name = ''] = command.words;
  const { options } = command;
  if (kind === 'namespace') return on.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, '');
  if (kind !== 'deployment') throw new ScenarioError(`unknown: create ${kind ?? ''}`);
  const image = options.get('image') ?? '';
  const cpu = options.get('cpu');
  const container = { name: image.split(':')[0] ?? image, image, ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }) };
  const labels = { app: name };
  const object: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: Number(options.get('replicas') ?? 1),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  return on.create(object, namespaceOf(command));
};

const apply: Verb = async ({ on }, command) => {
  const answers: string[] = [];
  for (const document of command.block.split(/^---$/m)) answers.push(await on.create(parse(document) as KubeObject, namespaceOf(command)));
  return answers.join('\n');
};

const scale: Verb = async ({ on }, command) => {
  const [kind, name] = target(command);
  const definition = on.resource(kind);
  const replicas = Number(command.options.get('replicas') ?? 0);
  await on.patch(
    definition.resource,
    on.object(definition, namespaceOf(command), name),
    { type: 'merge', body: { spec: { replicas } } },
    'scale',
  );
  return `${kindName(definition)}/${name} scaled`;
};

const setImage: Verb = async ({ on }, command) => {
  const [kind, name] = target(command, 2);
  const definition = on.resource(kind);
  const workload = on.object(definition, namespaceOf(command), name) as Deployment | StatefulSet | DaemonSet;
  const image = command.words.at(-1)?.split('=')[1] ?? '';
  const containers = (workload.spec?.template.spec?.containers ?? []).map((container) => ({ name: container.name, image }));
  await on.patch(definition.resource, workload, { type: 'strategic', body: { spec: { template: { spec: { containers } } } } });
  return `${kindName(definition)}/${name} image updated`;
};

const annotate: Verb = async ({ on }, command) => {
  const [kind, name] = target(command);
  const definition = on.resource(kind);
  const [key = '', value = ''] = (command.words.at(-1) ?? '').split('=');
  const field = command.words[0] === 'label' ? 'labels' : 'annotations';
  const body = { metadata: { [field]: { [key.replace(/-$/, '')]: key.endsWith('-') ? null : value } } };
  await on.patch(definition.resource, on.object(definition, namespaceOf(command), name), { type: 'merge', body });
  return `${kindName(definition)}/${name} ${field === 'labels' ? 'labeled' : 'annotated'}`;
};

const rolloutVerb: Verb = ({ on }, command) => {
  const [kind, name] = target(command, 2);
  const definition = on.resource(kind);
  const verb = command.words[1] ?? '';
  const revision = Number(command.options.get('to-revision') ?? 0);
  const object = on.object(definition, namespaceOf(command), name);
  return definition.resource.resource === DEPLOYMENTS.resource
    ? rollout(on, verb, object as Deployment, revision)
    : revisionRollout(on, verb, definition, object as StatefulSet | DaemonSet, revision);
};

const remove: Verb = async ({ on }, command) => {
  const [kind, name] = target(command);
  const definition = on.resource(kind);
  const object = on.object(definition, namespaceOf(command), name);
  const propagationPolicy = CASCADE[command.options.get('cascade') ?? 'background'];
  await on.delete(definition, object, propagationPolicy ? { propagationPolicy } : {});
  return `${kindName(definition)} "${name}" deleted`;
};

const get: Verb = ({ on }, { words, options, text }) => {
  const everywhere = options.has('all-namespaces');
  const parts = (words[1] ?? '').split(',').map((word) => {
    const definition = on.resource(word);
    const namespace = definition.scope === 'Cluster' || everywhere ? undefined : (options.get('namespace') ?? 'default');
    const objects = on.view
      .list(definition.resource, namespace)
      .filter(({ metadata }) => words[2] === undefined || metadata.name === words[2]);
    if (objects.length === 0) return `No resources found${namespace === undefined ? '' : ` in ${namespace} namespace`}.`;
    const namespaced = everywhere && definition.scope === 'Namespaced';
    return objectTable(definition, objects, on.cluster.world.now(), options.get('output') === 'wide', namespaced);
  });
  if (words.length > 3) throw new ScenarioError(`"${text}" has words too many`);
  return Promise.resolve(parts.join('\n\n'));
};

/** `finish PREFIX [--exit-code=N]`: what runs in the pods whose names begin so comes to its end. */
const finish: Verb = async ({ on }, command) => {
  const exitCode = Number(command.options.get('exit-code') ?? 0);
  const prefix = command.words[1] ?? '';
  const pods = (on.view.list(PODS, namespaceOf(command)) as readonly Pod[])
    .filter(({ metadata, status }) => metadata.name?.startsWith(prefix) && status?.phase === 'Running')
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const finishedAt = formatTime(on.cluster.world.now());
  for (const pod of pods) {
    const containerStatuses = pod.status?.containerStatuses?.map((container) => ({
      ...container,
      ready: false,
      state: { terminated: { exitCode, finishedAt, reason: exitCode === 0 ? 'Completed' : 'Error' } },
    }));
    const conditions = pod.status?.conditions?.map((one) =>
      one.type === 'Ready' || one.type === 'ContainersReady' ? { ...one, status: 'False', lastTransitionTime: finishedAt } : one,
    );
    const status = { phase: exitCode === 0 ? 'Succeeded' : 'Failed', conditions, containerStatuses };
    await on.patch(PODS, pod, { type: 'merge', body: { status } }, 'status');
  }
  return pods.map(({ metadata }) => `pod/${metadata.name ?? ''} ended with ${exitCode}`).join('\n');
};

function taintOf(text: string): Taint {
  const [, key = '', value = '', effect = ''] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? [];
  return { key, effect, ...(value === '' ? {} : { value }) };
}

/** `node NAME start|stop`, with --cpu, --memory, --pods, --taint and --zone. */
const node: Verb = async (state, { words, options, text }) => {
  const [, name = '', what] = words;
  if (what === 'stop') await state.on.cluster.stopNode(name);
  else if (what === 'start') {
    const podPrefix = state.prefixes.get(name) ?? `10.64.${++state.nodes}`;
    state.prefixes.set(name, podPrefix);
    const [cpu, memory, pods, taint, zone] = ['cpu', 'memory', 'pods', 'taint', 'zone'].map((option) => options.get(option));
    state.on.cluster.startNode({
      name,
      podPrefix,
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
      ...(pods === undefined ? {} : { pods: Number(pods) }),
      ...(taint === undefined ? {} : { taints: [taintOf(taint)] }),
      ...(zone === undefined ? {} : { labels: { 'topology.kubernetes.io/zone': zone } }),
    });
  } else throw new ScenarioError(`"${text}": a node can start and stop`);
  return '';
};

const cordon: Verb = async ({ on }, { words }) => {
  const object = on.object(on.resource('node'), '', words[1] ?? '') as Node;
  await on.patch(NODES, object, { type: 'merge', body: { spec: { unschedulable: words[0] === 'cordon' ? true : null } } });
  return `node/${words[1] ?? ''} ${words[0] ?? ''}ed`;
};

const settle: Verb = async ({ on }) => {
  await on.cluster.settle();
  return '';
};

const advance: Verb = async ({ on }, { words }) => {
  await on.cluster.advance(durationMs(words[1] ?? ''));
  return '';
};

const events: Verb = async (state) => {
  const lines = await eventLines(state.on.cluster, state.told);
  state.told = { ...state.on.view.position };
  return lines;
};

/** What a scenario can say, by its first word. */
export const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['create', create],
  ['apply', apply],
  ['scale', scale],
  ['set', setImage],
  ['annotate', annotate],
  ['label', annotate],
  ['rollout', rolloutVerb],
  ['delete', remove],
  ['get', get],
  ['finish', finish],
  ['node', node],
  ['cordon', cordon],
  ['uncordon', cordon],
  ['settle', settle],
  ['advance', advance],
  ['events', events],
]);
