import type { PriorityLevelConfiguration, QueuingConfiguration } from '#libs/api';

/** How many requests of a level are worked on at once, and where the others wait. */
export interface LevelLimits {
  readonly name: string;
  readonly exempt: boolean;
  /** Its share of all that is worked on at once. */
  readonly nominal: number;
  /** What it never lends. */
  readonly minimum: number;
  /** What it can have at most, with what others lend. */
  readonly most: number;
  /** Absent: what can't be worked on at once is refused. */
  readonly queuing?: Required<QueuingConfiguration>;
}

const sharesOf = ({ spec }: PriorityLevelConfiguration): number =>
  (spec?.type === 'Exempt' ? spec.exempt?.nominalConcurrencyShares : spec?.limited?.nominalConcurrencyShares) ?? 0;

/** Divides the server's concurrency among levels by their shares (KEP-1040: each part rounded up). */
export function limitsOf(levels: readonly PriorityLevelConfiguration[], serverLimit: number): ReadonlyMap<string, LevelLimits> {
  const total = Math.max(
    1,
    levels.reduce((sum, level) => sum + sharesOf(level), 0),
  );
  return new Map(
    levels.map((level) => {
      const { metadata, spec } = level;
      const name = metadata.name ?? '';
      const exempt = spec?.type === 'Exempt';
      const nominal = Math.ceil((serverLimit * sharesOf(level)) / total);
      const { lendablePercent = 0, borrowingLimitPercent, limitResponse } = spec?.limited ?? {};
      const minimum = exempt ? 0 : nominal - Math.round((nominal * lendablePercent) / 100);
      const most = borrowingLimitPercent === undefined ? serverLimit : nominal + Math.round((nominal * borrowingLimitPercent) / 100);
      const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse?.queuing ?? {};
      const queuing = limitResponse?.type === 'Queue' ? { queuing: { queues, handSize, queueLengthLimit } } : {};
      return [name, { name, exempt, nominal, minimum, most, ...queuing }];
    }),
  );
}
