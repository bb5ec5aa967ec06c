import {
  formatTime,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isInRange,
  pathSegmentNames,
  quoted,
  required,
  type FieldError,
  type Instant,
  type KubeObject,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { kindOf } from '../../kind.js';
import { judge, present, type Problems } from '../../problems.js';
import { APISERVICES } from '../../resources.js';
import { API_SERVICE_MODEL } from '../../schema/apiregistration-facts.js';
import { standardStrategy, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

/** One condition of an APIService; upstream knows `Available`. */
export interface APIServiceCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Who serves a group and version: a Service, or this server itself where there is none. */
export interface APIServiceSpec {
  readonly service?: { readonly namespace?: string; readonly name?: string; readonly port?: number };
  readonly group?: string;
  readonly version?: string;
  readonly insecureSkipTLSVerify?: boolean;
  readonly caBundle?: string;
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
}

/** `io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService` */
export interface APIService extends KubeObject {
  readonly spec?: APIServiceSpec;
  readonly status?: { readonly conditions?: readonly APIServiceCondition[] };
}

const HTTPS = 443;
const MOST_GROUP_PRIORITY = 20_000;
const MOST_VERSION_PRIORITY = 1000;
const NO_SPEC: APIServiceSpec = { groupPriorityMinimum: 0, versionPriority: 0 };

/** What an APIService without a Service always is. */
export const locallyAvailable = (now: Instant): APIServiceCondition => ({
  type: 'Available',
  status: 'True',
  lastTransitionTime: formatTime(now),
  reason: 'Local',
  message: 'Local APIServices are always available',
});

/** The name that an APIService must have: `v1.apps`, `v1.` for the core group. */
export const apiServiceName = ({ group, version }: { readonly group: string; readonly version: string }): string => `${version}.${group}`;

/** Whether a group and version are served by whom an APIService names. */
export const isAvailable = ({ status }: APIService): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') === true;

function validate({ metadata, spec = NO_SPEC }: APIService): readonly FieldError[] {
  const into: Problems = [];
  const { group = '', version = '', service, caBundle = '', insecureSkipTLSVerify = false } = spec;
  const wanted = apiServiceName({ group, version });
  if (metadata.name !== wanted && pathSegmentNames(metadata.name ?? '', false).length === 0) {
    into.push(invalidValue('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${quoted(wanted)}`));
  }
  if (group === '' && version !== 'v1') into.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  if (group !== '') judge(into, 'spec.group', group, isDns1123Subdomain);
  judge(into, 'spec.version', version, isDns1035Label);
  const { groupPriorityMinimum, versionPriority } = spec;
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > MOST_GROUP_PRIORITY) {
    into.push(invalidValue('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'));
  }
  if (versionPriority <= 0 || versionPriority > MOST_VERSION_PRIORITY) {
    into.push(invalidValue('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
  }
  if (service === undefined) {
    if (caBundle !== '')
      into.push(invalidValue('spec.caBundle', `${atob(caBundle).length} bytes`, 'local APIServices may not have a caBundle'));
    if (insecureSkipTLSVerify) {
      into.push(invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
    }
    return into;
  }
  present(into, 'spec.service.namespace', service.namespace);
  present(into, 'spec.service.name', service.name);
  const { port = HTTPS } = service;
  if (isInRange(port, 1, 65_535).length > 0)
    into.push(invalidValue('spec.service.port', port, 'port is not valid: must be between 1 and 65535, inclusive'));
  if (insecureSkipTLSVerify && caBundle !== '') {
    into.push(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  }
  return into;
}

const serviceOf = ({ spec }: APIService): string => {
  const { service } = spec ?? NO_SPEC;
  return service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`;
};

function availability({ status }: APIService): string {
  const found = status?.conditions?.find(({ type }) => type === 'Available');
  if (found === undefined) return 'Unknown';
  return found.status === 'True' ? 'True' : `${found.status} (${found.reason ?? ''})`;
}

export const apiservices = kindOf<APIService>(APISERVICES, 'APIService', {
  scope: 'Cluster',
  model: API_SERVICE_MODEL,
  categories: ['api-extensions'],
  names: pathSegmentNames,
  subresources: [statusOf('APIService')],
  strategy: standardStrategy<APIService>({
    defaults: (object) => {
      const { spec } = object;
      if (spec?.service === undefined || spec.service.port !== undefined) return object;
      return { ...object, spec: { ...spec, service: { ...spec.service, port: HTTPS } } };
    },
    prepareForCreate: (object, { now }) => ({
      ...object,
      status: object.spec?.service === undefined ? { conditions: [locallyAvailable(now)] } : {},
    }),
    // Who serves an API itself again is available at once, whatever was said of the Service.
    prepareForUpdate: (next, old, { now }) =>
      next.spec?.service === undefined && old.spec?.service !== undefined
        ? { ...next, status: { conditions: [locallyAvailable(now)] } }
        : withStatusOf(next, old),
    validate,
  }),
  columns: [NAME, column('Service', serviceOf), column('Available', availability), AGE],
});
