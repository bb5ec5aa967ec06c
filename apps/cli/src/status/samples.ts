/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

const plain = (value: string): string => value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));

/** The samples of a text in Prometheus' format whose names begin so. What is no sample is passed over. */
export function samplesIn(text: string, prefixes: readonly string[]): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    if (!prefixes.some((prefix) => line.startsWith(prefix))) return [];
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', quoted = '']) => [label, plain(quoted)] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}
