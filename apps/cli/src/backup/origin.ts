import type { Cluster } from '../cluster.js';

/** What a backup says of the cluster, besides its log: what a new profile has to be like. */
export type BackedUpCluster = Pick<Cluster, 'profile' | 'id' | 'index' | 'runtime' | 'layout' | 'nodes' | 'proxy'>;

/** The name under which a backup holds it. */
export const CLUSTER_FILE = 'cluster.json';

export function clusterText({ profile, id, index, runtime, layout, nodes, proxy }: Cluster): string {
  return `${JSON.stringify({ profile, id, index, runtime, layout, nodes, proxy }, undefined, 2)}\n`;
}

/** Throws SyntaxError for what no cluster can have been. */
export function parseCluster(text: string): BackedUpCluster {
  const value = JSON.parse(text) as Partial<BackedUpCluster> | null;
  const whole =
    typeof value?.profile === 'string' &&
    /^[0-9a-f]{6}$/.test(value.id ?? '') &&
    [value.index, value.nodes].every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
    [value.runtime, value.layout, value.proxy].every((word) => typeof word === 'string');
  if (!whole) throw new SyntaxError('it does not say what cluster it is of');
  return value as BackedUpCluster;
}
