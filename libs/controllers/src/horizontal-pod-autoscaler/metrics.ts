import type { MetricSpec } from '#libs/api';
import { labelSelectorOf } from '#libs/apimachinery';

/** Why a metric has no value, as upstream says it where no metrics API is registered. */
export interface MetricFailure {
  readonly reason: string;
  readonly message: string;
  /** What kind of value it is that is not there: `cpu resource`. */
  readonly what: string;
}

const NOT_FOUND = 'the server could not find the requested resource';
const NO_CUSTOM = 'unable to fetch metrics from custom metrics API: no known available metric versions found';

function ofResource(reason: string, name: string, what: string, byUtilization: boolean): MetricFailure {
  const fetching = `unable to get metrics for resource ${name}: unable to fetch metrics from resource metrics API`;
  const message = `failed to get ${name} ${byUtilization ? 'utilization' : 'usage'}: ${fetching}: ${NOT_FOUND} (get pods.metrics.k8s.io)`;
  return { reason, message, what: `${name} ${what}` };
}

/** Why a metric has no value. */
export function failureOf({ resource, containerResource, pods, object, external }: MetricSpec, namespace: string): MetricFailure {
  if (resource) return ofResource('FailedGetResourceMetric', resource.name, 'resource', resource.target.averageValue === undefined);
  if (containerResource) {
    const { name, target } = containerResource;
    return ofResource('FailedGetContainerResourceMetric', name, 'container', target.averageValue === undefined);
  }
  if (pods) return { reason: 'FailedGetPodsMetric', message: `unable to get metric ${pods.metric.name}: ${NO_CUSTOM}`, what: 'pods' };
  if (object) {
    const { kind, name } = object.describedObject;
    const about = `unable to get metric ${object.metric.name}: ${kind} on ${namespace} ${name}`;
    return { reason: 'FailedGetObjectMetric', message: `${about}/${NO_CUSTOM}`, what: 'object' };
  }
  const { name = '', selector } = external?.metric ?? {};
  const about = `unable to get external metric ${namespace}/${name}/${labelSelectorOf(selector).toString()}`;
  const fetching = 'unable to fetch metrics from external metrics API';
  return {
    reason: 'FailedGetExternalMetric',
    message: `${about}: ${fetching}: ${NOT_FOUND} (get ${name}.external.metrics.k8s.io)`,
    what: `${name} external`,
  };
}
