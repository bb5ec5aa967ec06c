import { parseTime, type KubeObject } from '#libs/apimachinery';

/** The name of the class that an annotation makes the default: of several the newest, then the first by name. */
export function newestDefault(classes: readonly KubeObject[], annotations: readonly string[]): string | undefined {
  const marked = classes.filter(({ metadata }) => annotations.some((name) => metadata.annotations?.[name] === 'true'));
  const age = ({ metadata }: KubeObject): number => parseTime(metadata.creationTimestamp) ?? 0;
  const name = ({ metadata }: KubeObject): string => metadata.name ?? '';
  const [first] = marked.sort((a, b) => age(b) - age(a) || (name(a) < name(b) ? -1 : 1));
  return first?.metadata.name;
}
