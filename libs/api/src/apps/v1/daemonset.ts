import { deepEqual } from '#libs/apimachinery';
import { AGE, NAME, column, labelsText, listed, selectorText, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { specWarnings } from '../../core/v1/pod-warnings.js';
import { fill, within } from '../../defaulting.js';
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { DAEMONSETS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { validateDaemonSet, validateDaemonSetStatus, validateDaemonSetUpdate } from './daemonset-validation.js';

/** Counts the templates a DaemonSet has had: what was a field once is an annotation of apps/v1. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

const ROLLING_UPDATE = { maxUnavailable: 1, maxSurge: 0 } as const;
const NO_PODS: DaemonSetStatus = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

function strategyDefaults(sent: DaemonSetUpdateStrategy): DaemonSetUpdateStrategy {
  const strategy = fill(sent, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return strategy;
  return within(fill(strategy, { rollingUpdate: ROLLING_UPDATE }), 'rollingUpdate', (update) => fill(update, ROLLING_UPDATE));
}

const specDefaults = (spec: DaemonSetSpec): DaemonSetSpec =>
  within(
    within(fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} }), 'updateStrategy', strategyDefaults),
    'template',
    templateDefaults,
  );

/** The template generation of a DaemonSet; 0 where none is written. */
export const templateGenerationOf = ({ metadata }: DaemonSet): number => {
  const text = metadata.annotations?.[TEMPLATE_GENERATION];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
};

const withTemplateGeneration = (object: DaemonSet, generation: number): DaemonSet => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) } },
});

function prepareForUpdate(next: DaemonSet, old: DaemonSet): DaemonSet {
  const moved = !deepEqual(next.spec?.template, old.spec?.template);
  const counted = withTemplateGeneration(next, templateGenerationOf(old) + (moved ? 1 : 0));
  return withGeneration(withStatusOf(counted, old), old);
}

function warnings({ spec }: DaemonSet, old: DaemonSet | undefined): readonly string[] {
  if (!spec?.template.spec || (old && deepEqual(spec.template, old.spec?.template))) return [];
  return [...specWarnings('spec.template.spec', spec.template.spec)];
}

export const daemonsets = kindOf<DaemonSet>(DAEMONSETS, 'DaemonSet', {
  scope: 'Namespaced',
  shortNames: ['ds'],
  categories: ['all'],
  subresources: [statusOf('DaemonSet')],
  strategy: standardStrategy<DaemonSet>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) =>
      withGeneration(withTemplateGeneration({ ...object, status: NO_PODS }, Math.max(1, templateGenerationOf(object)))),
    prepareForUpdate,
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
    validateStatusUpdate: validateDaemonSetStatus,
    warnings,
  }),
  columns: [
    NAME,
    column('Desired', ({ status }) => status?.desiredNumberScheduled ?? 0, 'integer'),
    column('Current', ({ status }) => status?.currentNumberScheduled ?? 0, 'integer'),
    column('Ready', ({ status }) => status?.numberReady ?? 0, 'integer'),
    column('Up-to-date', ({ status }) => status?.updatedNumberScheduled ?? 0, 'integer'),
    column('Available', ({ status }) => status?.numberAvailable ?? 0, 'integer'),
    column('Node Selector', ({ spec }) => labelsText(spec?.template.spec?.nodeSelector)),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => selectorText(spec?.selector) || '<none>'),
  ],
});
