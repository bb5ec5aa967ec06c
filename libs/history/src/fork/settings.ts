/** What of a control plane a fork may have otherwise. */
export interface ForkSettings {
  readonly schedulerProfile?: string;
}

/** The settings that `--set` knows, and their values. */
export const FORK_SETTINGS: Readonly<Record<string, readonly string[]>> = { 'scheduler.profile': ['spreading', 'bin-packing'] };

const known = (): string =>
  Object.entries(FORK_SETTINGS)
    .map(([key, values]) => `${key}=${values.join('|')}`)
    .join(', ');

/** What `KEY=VALUE`s say; or what is wrong with the first that says nothing. */
export function forkSettings(texts: readonly string[]): ForkSettings | { readonly problem: string } {
  const settings = new Map<string, string>();
  for (const text of texts) {
    const [, key = text, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const values = FORK_SETTINGS[key];
    if (values === undefined) return { problem: `${JSON.stringify(key)} is no setting of a fork: there is ${known()}` };
    if (!values.includes(value)) return { problem: `${key} can't be ${JSON.stringify(value)}: it is one of ${values.join(', ')}` };
    settings.set(key, value);
  }
  const profile = settings.get('scheduler.profile');
  return profile === undefined ? {} : { schedulerProfile: profile };
}
