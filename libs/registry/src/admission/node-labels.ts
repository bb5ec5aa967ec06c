type Labels = Readonly<Record<string, string>>;

const RESTRICTION = 'node-restriction.kubernetes.io';
/** Labels of Kubernetes' own that a node may say of itself (kubelet's well-known labels). */
const OF_NODES = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/windows-build',
]);

const isWithin = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function isForbidden(label: string): boolean {
  const domain = label.includes('/') ? label.slice(0, label.indexOf('/')) : '';
  if (isWithin(domain, RESTRICTION)) return true;
  if (!isWithin(domain, 'kubernetes.io') && !isWithin(domain, 'k8s.io')) return false;
  return !OF_NODES.has(label) && !isWithin(domain, 'kubelet.kubernetes.io') && !isWithin(domain, 'node.kubernetes.io');
}

/** The labels that a node changes of itself and may not: they would let it draw others' pods. */
export function forbiddenLabels(next: Labels = {}, old: Labels = {}): readonly string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((label) => next[label] !== old[label]);
  return changed.filter(isForbidden).sort();
}
