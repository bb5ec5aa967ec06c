import type { Affinity, LabelSelector, Pod, PodAffinity, PodAffinityTerm } from '../../generated/types.js';

type Labels = Readonly<Record<string, string>>;

/** A selector that also asks for the pod's own values of some labels, or for others. */
function narrowed(selector: LabelSelector, keys: readonly string[] | undefined, operator: 'In' | 'NotIn', labels: Labels): LabelSelector {
  const added = (keys ?? []).flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
  return added.length === 0 ? selector : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] };
}

function term<T extends PodAffinityTerm>(asked: T, labels: Labels): T {
  if (!asked.labelSelector || !(asked.matchLabelKeys ?? asked.mismatchLabelKeys)) return asked;
  const alike = narrowed(asked.labelSelector, asked.matchLabelKeys, 'In', labels);
  return { ...asked, labelSelector: narrowed(alike, asked.mismatchLabelKeys, 'NotIn', labels) };
}

function terms(asked: PodAffinity, labels: Labels): PodAffinity {
  const must = asked.requiredDuringSchedulingIgnoredDuringExecution;
  const may = asked.preferredDuringSchedulingIgnoredDuringExecution;
  return {
    ...(must ? { requiredDuringSchedulingIgnoredDuringExecution: must.map((one) => term(one, labels)) } : {}),
    ...(may
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: may.map((one) => ({
            ...one,
            podAffinityTerm: term(one.podAffinityTerm, labels),
          })),
        }
      : {}),
  };
}

function affinityOf(asked: Affinity, labels: Labels): Affinity {
  return {
    ...asked,
    ...(asked.podAffinity ? { podAffinity: terms(asked.podAffinity, labels) } : {}),
    ...(asked.podAntiAffinity ? { podAntiAffinity: terms(asked.podAntiAffinity, labels) } : {}),
  };
}

/** A new pod whose affinity selects by its own labels, where it names keys: what schedulers look at is the selector alone. */
export function withMatchLabelKeys(pod: Pod): Pod {
  const { spec } = pod;
  if (!spec?.affinity?.podAffinity && !spec?.affinity?.podAntiAffinity) return pod;
  return { ...pod, spec: { ...spec, affinity: affinityOf(spec.affinity, pod.metadata.labels ?? {}) } };
}
