/** Where a group and a version stand among others: the higher, the earlier in discovery. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** The places that upstream gives the groups it serves (kube-apiserver `aggregator.go`), in their order. */
const GROUPS: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20_000,
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  // Ours, behind all of upstream's.
  'history.decklog.dev': 16_000,
};
/** Versions that do not stand at 15. */
const VERSIONS: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'resource.k8s.io/v1': 20,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'apiregistration.k8s.io/v1': 100,
};
const CUSTOM: Priority = { group: 1000, version: 100 };

/** The place of a group and version: upstream's for what is built in, one place for all that custom resources add. */
export function priorityOf({ group, version }: { readonly group: string; readonly version: string }): Priority {
  const place = Object.hasOwn(GROUPS, group) ? GROUPS[group] : undefined;
  return place === undefined ? CUSTOM : { group: place, version: VERSIONS[`${group}/${version}`] ?? 15 };
}
