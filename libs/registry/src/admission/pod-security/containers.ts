import type { Container, EphemeralContainer, PodSecurityContext, PodSpec, SecurityContext } from '#libs/api';

/** A container of any sort, as far as the checks look at it. */
export type AnyContainer = Pick<Container & EphemeralContainer, 'name' | 'image' | 'securityContext' | 'ports' | 'lifecycle'> &
  Partial<Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'>>;

/** All containers of a pod, in upstream's order. */
export const containersOf = (spec: PodSpec): readonly AnyContainer[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...(spec.ephemeralContainers ?? []),
];

/** `"a", "b"`. */
export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

/** `container "a"`, `containers "a", "b"`. */
export const named = (containers: readonly string[]): string =>
  `${plural('container', 'containers', containers.length)} ${quoted(containers)}`;

export const unique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();

type Contexts = PodSecurityContext | SecurityContext;

/** Who sets something wrong: the pod, its containers, or both: `pod and containers "a", "b"`. Undefined where nobody does. */
export function setters(spec: PodSpec, isWrong: (context: Contexts) => boolean): string | undefined {
  const pod = spec.securityContext !== undefined && isWrong(spec.securityContext) ? ['pod'] : [];
  const names = containersOf(spec)
    .filter(({ securityContext }) => securityContext !== undefined && isWrong(securityContext))
    .map(({ name }) => name);
  const all = [...pod, ...(names.length > 0 ? [named(names)] : [])];
  return all.length === 0 ? undefined : all.join(' and ');
}

/** The security contexts of a pod and of its containers. */
export const contextsOf = (spec: PodSpec): readonly Contexts[] =>
  [spec.securityContext, ...containersOf(spec).map(({ securityContext }) => securityContext)].filter((each) => each !== undefined);
