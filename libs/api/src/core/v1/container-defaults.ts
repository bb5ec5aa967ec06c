import { each, fill, within } from '../../defaulting.js';
import type {
  Container,
  EnvVarSource,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  ObjectFieldSelector,
  Probe,
} from '../../generated/types.js';
import { roundedResources } from './resource-list.js';

const TERMINATION = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' } as const;
const PROBE = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 } as const;
const HTTP_GET = { path: '/', scheme: 'HTTP' } as const;
const FIELD_REF = { apiVersion: 'v1' } as const;
const TCP = { protocol: 'TCP' } as const;
const GRPC = { service: '' } as const;
const FILE_KEY = { optional: false } as const;

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const DOMAIN_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const NAME = `(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*`;
const REFERENCE = new RegExp(`^${NAME}(?::(${TAG}))?(@${DIGEST})?$`);

/** Longer than any image's name, tag and digest together. */
const LONGEST_REFERENCE = 1024;

/** `Always` for images tagged `latest` or neither tagged nor pinned by a digest; else, and for what is no image's name, `IfNotPresent`. */
export function defaultPullPolicy(image = ''): 'Always' | 'IfNotPresent' {
  const match = image.length > LONGEST_REFERENCE ? null : REFERENCE.exec(image);
  if (!match) return 'IfNotPresent';
  const [, tag, digest] = match;
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

export const fieldRefDefaults = (ref: ObjectFieldSelector): ObjectFieldSelector => fill(ref, FIELD_REF);

const httpGetDefaults = (action: HTTPGetAction): HTTPGetAction => fill(action, HTTP_GET);

const probeDefaults = (probe: Probe): Probe =>
  fill(
    within(within(probe, 'httpGet', httpGetDefaults), 'grpc', (grpc) => fill(grpc, GRPC)),
    PROBE,
  );

const handlerDefaults = (handler: LifecycleHandler): LifecycleHandler => within(handler, 'httpGet', httpGetDefaults);

const lifecycleDefaults = (lifecycle: Lifecycle): Lifecycle =>
  within(within(lifecycle, 'postStart', handlerDefaults), 'preStop', handlerDefaults);

const sourceDefaults = (source: EnvVarSource): EnvVarSource =>
  within(within(source, 'fieldRef', fieldRefDefaults), 'fileKeyRef', (ref) => fill(ref, FILE_KEY));

/** What upstream fills into every container, of a pod as of a template. */
export function containerDefaults<C extends Container>(container: C): C {
  let out: Container = container;
  if (out.imagePullPolicy === undefined) out = { ...out, imagePullPolicy: defaultPullPolicy(out.image) };
  out = fill(out, TERMINATION);
  out = within(out, 'ports', (ports) => each(ports, (port) => fill(port, TCP)));
  out = within(out, 'env', (env) => each(env, (variable) => within(variable, 'valueFrom', sourceDefaults)));
  out = within(out, 'resources', roundedResources);
  out = within(out, 'livenessProbe', probeDefaults);
  out = within(out, 'readinessProbe', probeDefaults);
  out = within(out, 'startupProbe', probeDefaults);
  return within(out, 'lifecycle', lifecycleDefaults) as C;
}
