import { invalidValue, type FieldError } from '#libs/apimachinery';

/** How strict a policy is: upstream's three Pod Security Standards. */
export type Level = 'privileged' | 'baseline' | 'restricted';

/** A level as of a release: the checks that it had then. `minor` is that of v1.x; Infinity is `latest`. */
export interface LevelVersion {
  readonly level: Level;
  readonly minor: number;
}

/** What a namespace asks of its pods: what refuses them, and what is only told. */
export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

const LEVELS: readonly string[] = ['privileged', 'baseline', 'restricted'];
const PREFIX = 'pod-security.kubernetes.io/';
const VERSION = /^v1\.(0|[1-9]\d{0,8})$/;
const OPEN: LevelVersion = { level: 'privileged', minor: Infinity };

/** The policy of namespaces that say nothing. */
export const PRIVILEGED: Policy = { enforce: OPEN, audit: OPEN, warn: OPEN };

/** As upstream prints it: `restricted:latest`. */
export const printedPolicy = ({ level, minor }: LevelVersion): string => `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`;

/** Whether a policy is stricter than another of the same version. */
export const isStricter = (a: Level, b: Level): boolean => LEVELS.indexOf(a) > LEVELS.indexOf(b);

type Labels = Readonly<Record<string, string>>;

function modeOf(labels: Labels, mode: keyof Policy, wrong: FieldError[]): LevelVersion {
  const refuse = (label: string, value: string, why: string): void =>
    void wrong.push(invalidValue(`metadata.labels[${label}]`, value, why));
  const level = labels[PREFIX + mode];
  const isLevel = level === undefined || LEVELS.includes(level);
  if (!isLevel) refuse(PREFIX + mode, level, `must be one of ${LEVELS.join(', ')}`);
  const version = labels[`${PREFIX}${mode}-version`] ?? 'latest';
  const minor = VERSION.exec(version)?.[1];
  if (version !== 'latest' && minor === undefined) refuse(`${PREFIX}${mode}-version`, version, 'must be "latest" or "v1.x"');
  // What can't be read refuses, and is not told.
  const otherwise: Level = mode === 'enforce' ? 'restricted' : 'privileged';
  return { level: isLevel ? ((level ?? 'privileged') as Level) : otherwise, minor: minor === undefined ? Infinity : Number(minor) };
}

/** What the labels of a namespace ask for, and what is wrong with them. */
export function policyOf(labels: Labels | undefined): { readonly policy: Policy; readonly wrong: readonly FieldError[] } {
  const wrong: FieldError[] = [];
  if (!labels) return { policy: PRIVILEGED, wrong };
  const [enforce, audit, warn] = [modeOf(labels, 'enforce', wrong), modeOf(labels, 'audit', wrong), modeOf(labels, 'warn', wrong)];
  return { policy: { enforce, audit, warn }, wrong };
}
