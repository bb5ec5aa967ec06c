import type { Container, ContainerStatus, Pod } from '#libs/api';

const FAILURES = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable'];

/** Texts that a pod's body holds where an image of it could not be pulled: to look for before it is parsed. */
export const PULL_FAILURES: readonly string[] = FAILURES.map((reason) => `"reason":"${reason}"`);

interface Use {
  readonly image: string;
  readonly status: ContainerStatus;
}

/** The containers of a pod with the images that its spec names: a status may spell them out. */
function usesOf({ spec, status }: Pod): readonly Use[] {
  const pairs = (containers: readonly Container[] = [], statuses: readonly ContainerStatus[] = []): readonly Use[] =>
    statuses.flatMap((one) => {
      const image = containers.find(({ name }) => name === one.name)?.image;
      return image === undefined ? [] : [{ image, status: one }];
    });
  return [...pairs(spec?.containers, status?.containerStatuses), ...pairs(spec?.initContainers, status?.initContainerStatuses)];
}

const hasRun = ({ state, lastState }: ContainerStatus): boolean =>
  [state?.running, state?.terminated, lastState?.running, lastState?.terminated].some((one) => one !== undefined);

/**
 * The images that could not be pulled, and what was said of them: those that a container waits for in any of these states of
 * pods and none has run with. A simulated node can know it from nowhere else.
 */
export function failingImages(pods: readonly Pod[]): ReadonlyMap<string, string> {
  const uses = pods.flatMap(usesOf);
  const ran = new Set(uses.flatMap(({ image, status }) => (hasRun(status) ? [image] : [])));
  const failing = new Map<string, string>();
  for (const { image, status } of uses) {
    const { reason = '', message } = status.state?.waiting ?? {};
    if (ran.has(image) || !FAILURES.includes(reason)) continue;
    // The failure itself says more than the pause after it.
    if (!failing.has(image) || reason !== 'ImagePullBackOff') failing.set(image, message ?? reason);
  }
  return failing;
}
