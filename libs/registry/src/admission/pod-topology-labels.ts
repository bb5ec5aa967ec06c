import { NODES, PODS, type Binding } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { isAbout } from './about.js';
import type { MutatingPlugin } from './plugin.js';

const TOPOLOGY = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** PodTopologyLabels (KEP-4742): a pod that is bound takes over where its node is. */
export const podTopologyLabels: MutatingPlugin = {
  name: 'PodTopologyLabels',
  operations: ['CREATE'],
  mutate(object, attributes, given): KubeObject {
    if (!isAbout(given, attributes, PODS, 'binding')) return object;
    const { target } = object as Binding;
    if ((target.kind ?? 'Node') !== 'Node' || !target.name) return object;
    const labels = given.read.object(NODES, '', target.name)?.object.metadata.labels ?? {};
    const found = Object.fromEntries(TOPOLOGY.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])));
    if (Object.keys(found).length === 0) return object;
    return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...found } } };
  },
};
