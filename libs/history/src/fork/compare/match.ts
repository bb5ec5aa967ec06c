import type { KubeObject } from '#libs/apimachinery';

/** An object of one cluster and what stands in its place in the other; one of them may be missing. */
export interface Pair {
  readonly source?: KubeObject;
  readonly fork?: KubeObject;
}

/** What objects are in each other's place by: their name, or, where that was drawn by lot, whose they are and what it begins with. */
export function identityOf({ apiVersion, kind, metadata }: KubeObject): string {
  const { namespace = '', name = '', generateName, ownerReferences } = metadata;
  const place = `${apiVersion} ${kind} ${namespace}`;
  const isDrawn = generateName !== undefined && generateName !== '' && name.startsWith(generateName) && name !== generateName;
  if (!isDrawn) return `${place} ${name}`;
  const owner = ownerReferences?.find(({ controller }) => controller === true) ?? ownerReferences?.[0];
  return owner === undefined ? `${place} ${generateName}*` : `${place} ${owner.kind}/${owner.name} ${generateName}*`;
}

const nodeOf = (object: KubeObject): string => (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? '';
const phaseOf = (object: KubeObject): string => (object as { readonly status?: { readonly phase?: string } }).status?.phase ?? '';

/** Ways in which two objects of one identity may be alike, the closest first. */
const LIKENESSES: readonly ((object: KubeObject) => string)[] = [
  ({ metadata }) => metadata.name ?? '',
  (object) => `${nodeOf(object)} ${phaseOf(object)}`,
  nodeOf,
  phaseOf,
  () => '',
];

const grouped = (objects: readonly KubeObject[], key: (object: KubeObject) => string): Map<string, KubeObject[]> => {
  const groups = new Map<string, KubeObject[]>();
  for (const object of objects) {
    const group = groups.get(key(object));
    if (group) group.push(object);
    else groups.set(key(object), [object]);
  }
  return groups;
};

/** Puts objects of one identity side by side, each with the one most like it. */
function paired(source: readonly KubeObject[], fork: readonly KubeObject[]): readonly Pair[] {
  const pairs: Pair[] = [];
  let [left, right] = [source, fork];
  for (const likeness of LIKENESSES) {
    if (left.length === 0 || right.length === 0) break;
    const others = grouped(right, likeness);
    const taken = new Set<KubeObject>();
    left = left.filter((object) => {
      const other = others.get(likeness(object))?.shift();
      if (other === undefined) return true;
      taken.add(other);
      pairs.push({ source: object, fork: other });
      return false;
    });
    right = right.filter((object) => !taken.has(object));
  }
  return [...pairs, ...left.map((object) => ({ source: object })), ...right.map((object) => ({ fork: object }))];
}

/** The objects of two clusters side by side. */
export function pairsOf(source: readonly KubeObject[], fork: readonly KubeObject[]): readonly Pair[] {
  const [left, right] = [grouped(source, identityOf), grouped(fork, identityOf)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((identity) => paired(left.get(identity) ?? [], right.get(identity) ?? []));
}
