import { deepEqual, forbiddenField, invalidValue, required, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { unsupported, type Problems } from '../../problems.js';
import { PRIORITYLEVELCONFIGURATIONS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { MANDATORY_LEVELS } from './bootstrap.js';
import { conditions } from './conditions.js';

const MOST_QUEUES = 10_000_000;
/** Bits of the hash from which a flow's hand of queues is dealt (apiserver `shufflesharding`). */
const HASH_BITS = 60;
const QUEUING = { queues: 64, handSize: 8, queueLengthLimit: 50 } as const;
const LIMITED = { nominalConcurrencyShares: 30, lendablePercent: 0 } as const;
const EXEMPT = { nominalConcurrencyShares: 0, lendablePercent: 0 } as const;
const NONNEGATIVE = 'must be a non-negative integer';

/** Zero stands for what was left out. */
const queuingDefaults = ({ queues, handSize, queueLengthLimit }: QueuingConfiguration = {}): QueuingConfiguration => ({
  queues: queues || QUEUING.queues,
  handSize: handSize || QUEUING.handSize,
  queueLengthLimit: queueLengthLimit || QUEUING.queueLengthLimit,
});

const responseDefaults = (response: LimitResponse): LimitResponse =>
  response.type === 'Queue' ? { ...response, queuing: queuingDefaults(response.queuing) } : response;

function specDefaults(spec: PriorityLevelConfigurationSpec): PriorityLevelConfigurationSpec {
  if (spec.type === 'Exempt') return { ...spec, exempt: fill(spec.exempt ?? {}, EXEMPT) };
  return within(spec, 'limited', (limited) => within(fill(limited, LIMITED), 'limitResponse', responseDefaults));
}

function queuing(into: Problems, path: string, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration): void {
  if (queueLengthLimit <= 0) into.push(invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) into.push(invalidValue(`${path}.queues`, queues, 'must be positive'));
  else if (queues > MOST_QUEUES) into.push(invalidValue(`${path}.queues`, queues, `must not be greater than ${MOST_QUEUES}`));
  const hand = `${path}.handSize`;
  if (handSize <= 0) return void into.push(invalidValue(hand, handSize, 'must be positive'));
  if (handSize > queues) return void into.push(invalidValue(hand, handSize, `should not be greater than queues (${queues})`));
  if (Math.ceil(Math.log2(queues) * handSize) <= HASH_BITS) return;
  const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`;
  into.push(invalidValue(hand, handSize, detail));
}

function response(into: Problems, path: string, limit: LimitResponse | undefined): void {
  const { type = '', queuing: queues } = limit ?? {};
  const at = `${path}.queuing`;
  if (type === 'Queue') {
    if (queues) queuing(into, at, queues);
    else into.push(required(at, 'must not be empty if limited.limitResponse.type is Limited'));
  } else if (type !== 'Reject') into.push(unsupported(`${path}.type`, type, ['Queue', 'Reject']));
  else if (queues) into.push(forbiddenField(at, 'must be nil if limited.limitResponse.type is not Limited'));
}

function percent(into: Problems, path: string, value: number | undefined): void {
  if (value !== undefined && (value < 0 || value > 100)) into.push(invalidValue(path, value, 'must be between 0 and 100, inclusive'));
}

function limited(into: Problems, path: string, given: LimitedPriorityLevelConfiguration): void {
  const { nominalConcurrencyShares: shares = 0, borrowingLimitPercent: borrowing } = given;
  if (shares < 0) into.push(invalidValue(`${path}.nominalConcurrencyShares`, shares, NONNEGATIVE));
  response(into, `${path}.limitResponse`, given.limitResponse);
  percent(into, `${path}.lendablePercent`, given.lendablePercent);
  if (borrowing !== undefined && borrowing < 0)
    into.push(invalidValue(`${path}.borrowingLimitPercent`, borrowing, `if specified, ${NONNEGATIVE}`));
}

function typed(into: Problems, { type, limited: limits, exempt }: PriorityLevelConfigurationSpec): void {
  switch (type) {
    case 'Exempt':
      if (limits) into.push(forbiddenField('spec.limited', 'must be nil if the type is not Limited'));
      if (!exempt) return void into.push(required('spec.exempt', 'must not be empty when type is Exempt'));
      if ((exempt.nominalConcurrencyShares ?? 0) < 0)
        into.push(invalidValue('spec.exempt.nominalConcurrencyShares', exempt.nominalConcurrencyShares, NONNEGATIVE));
      return percent(into, 'spec.exempt.lendablePercent', exempt.lendablePercent);
    case 'Limited':
      if (exempt) into.push(forbiddenField('spec.exempt', 'must be nil if the type is Limited'));
      if (limits) limited(into, 'spec.limited', limits);
      else into.push(required('spec.limited', 'must not be empty when type is Limited'));
      return;
    default:
      into.push(unsupported('spec.type', type, ['Exempt', 'Limited']));
  }
}

/** The levels that every cluster has stay as they are, but for the shares of the exempt one. */
function asFixed(into: Problems, name: string, spec: PriorityLevelConfigurationSpec): void {
  const fixed = MANDATORY_LEVELS.find(({ metadata }) => metadata.name === name)?.spec;
  if (!fixed) return;
  const { exempt: _of, ...next } = spec;
  const { exempt, ...rest } = fixed;
  if (deepEqual(next, rest)) return;
  const but = exempt ? " except the 'spec.exempt' field" : '';
  into.push(invalidValue('spec', spec, `spec of '${name}'${but} must equal the fixed value`));
}

function validate({ metadata, spec = { type: '' }, status }: PriorityLevelConfiguration): readonly FieldError[] {
  const into: Problems = [];
  const name = metadata.name ?? '';
  if ((name === 'exempt') !== (spec.type === 'Exempt'))
    into.push(invalidValue('spec.type', spec.type, "type must be 'Exempt' if and only if name is 'exempt'"));
  typed(into, spec);
  asFixed(into, name, spec);
  conditions(into, status?.conditions);
  return into;
}

function validateStatusUpdate({ status }: PriorityLevelConfiguration): readonly FieldError[] {
  const into: Problems = [];
  conditions(into, status?.conditions);
  return into;
}

const queuingOf = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined => spec?.limited?.limitResponse?.queuing;
const number = (value: number | undefined): string => (value === undefined ? '<none>' : String(value));

export const prioritylevelconfigurations = kindOf<PriorityLevelConfiguration>(PRIORITYLEVELCONFIGURATIONS, 'PriorityLevelConfiguration', {
  scope: 'Cluster',
  subresources: [statusOf('PriorityLevelConfiguration')],
  strategy: standardStrategy<PriorityLevelConfiguration>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) => withGeneration({ ...object, status: {} }),
    prepareForUpdate: (next, old) => withGeneration({ ...next, status: old.status ?? {} }, old),
    validate,
    validateStatusUpdate,
  }),
  columns: [
    NAME,
    column('Type', ({ spec }) => spec?.type ?? ''),
    column('NominalConcurrencyShares', ({ spec }) => number(spec?.limited?.nominalConcurrencyShares)),
    column('Queues', (object) => number(queuingOf(object)?.queues)),
    column('HandSize', (object) => number(queuingOf(object)?.handSize)),
    column('QueueLengthLimit', (object) => number(queuingOf(object)?.queueLengthLimit)),
    AGE,
  ],
});
