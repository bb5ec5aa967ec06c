import type { Deployment, PodTemplateSpec, ReplicaSet } from '#libs/api';
import { canonicalJson, fnv32, safeEncoded, deepEqual } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';
import { controllerReference } from '../ownership.js';

/** The label by which the pods of one template are told apart from those of the Deployment's other ones. */
export const POD_TEMPLATE_HASH = 'pod-template-hash';

/** A name for a template: equal templates have the same; `collisions` chooses another where the name was taken. */
export function templateHash(template: PodTemplateSpec, collisions: number | undefined): string {
  return safeEncoded(fnv32(canonicalJson(template) + (collisions ? ` ${collisions}` : '')));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  if (template?.metadata?.labels?.[POD_TEMPLATE_HASH] === undefined) return template ?? {};
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Whether two templates make the same pods, but for the hash among their labels. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  const normal = (template: PodTemplateSpec | undefined): PodTemplateSpec => {
    const { metadata, ...rest } = withoutHash(template);
    const { labels, ...more } = metadata ?? {};
    const kept = labels && Object.keys(labels).length > 0 ? { ...more, labels } : more;
    return Object.keys(kept).length > 0 ? { ...rest, metadata: kept } : rest;
  };
  return deepEqual(normal(a), normal(b));
}

/** The oldest ReplicaSet with the Deployment's current template. */
export const newestOf = (deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined =>
  [...all].sort(byCreation).find(({ spec }) => sameTemplate(spec?.template, deployment.spec?.template));

/** The name that the Deployment's next ReplicaSet gets. */
export const nextName = ({ metadata, spec, status }: Deployment): string =>
  `${metadata.name ?? ''}-${templateHash(spec?.template ?? {}, status?.collisionCount)}`;

const selectorWith = (selector: LabelSelectorSpec | undefined, hash: string): LabelSelectorSpec => ({
  ...selector,
  matchLabels: { ...selector?.matchLabels, [POD_TEMPLATE_HASH]: hash },
});

type LabelSelectorSpec = NonNullable<NonNullable<Deployment['spec']>['selector']>;

/** The ReplicaSet for the Deployment's current template, still without size and annotations. */
export function replicaSetFor(deployment: Deployment): ReplicaSet {
  const { metadata, spec, status } = deployment;
  const template = spec?.template ?? {};
  const hash = templateHash(template, status?.collisionCount);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: nextName(deployment),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      ...(spec?.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
      selector: selectorWith(spec?.selector, hash),
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
