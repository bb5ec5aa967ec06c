import { forbiddenField, invalidValue, isHttpHeaderName, isValidPortName, isValidPortNumber, required } from '#libs/apimachinery';
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../generated/types.js';
import { judge, nonnegative, oneOf, present, type Problems } from '../../problems.js';

/** A port by number, or by the name it has in the container. */
export function portOrName(into: Problems, field: string, port: number | string | undefined): void {
  if (typeof port === 'string') judge(into, field, port, isValidPortName);
  else judge(into, field, port ?? 0, isValidPortNumber);
}

function httpGet(into: Problems, path: string, action: HTTPGetAction): void {
  present(into, `${path}.path`, action.path);
  portOrName(into, `${path}.port`, action.port);
  oneOf(into, `${path}.scheme`, action.scheme, ['HTTP', 'HTTPS']);
  for (const { name } of action.httpHeaders ?? []) judge(into, `${path}.httpHeaders`, name, isHttpHeaderName);
}

function sleep(into: Problems, path: string, seconds: number, gracePeriod: number | undefined): void {
  if (gracePeriod === undefined || (seconds >= 0 && seconds <= gracePeriod)) return;
  into.push(invalidValue(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`));
}

const ACTIONS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

/** What a probe or a hook does: exactly one thing. Of several, the first is looked at. */
function handler(into: Problems, path: string, does: Probe & LifecycleHandler, gracePeriod: number | undefined): void {
  const [first, ...more] = ACTIONS.filter((name) => does[name] !== undefined);
  if (first === undefined) return void into.push(required(path, 'must specify a handler type'));
  if (does.exec) {
    if (!does.exec.command?.length) into.push(required(`${path}.exec.command`));
  } else if (does.httpGet) httpGet(into, `${path}.httpGet`, does.httpGet);
  else if (does.tcpSocket) portOrName(into, `${path}.tcpSocket.port`, does.tcpSocket.port);
  else if (does.grpc) portOrName(into, `${path}.grpc.port`, does.grpc.port);
  else if (does.sleep) sleep(into, `${path}.sleep`, does.sleep.seconds, gracePeriod);
  for (const name of more) into.push(forbiddenField(`${path}.${name}`, 'may not specify more than 1 handler type'));
}

const COUNTS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

/** One of a container's three probes. */
export function probe(
  into: Problems,
  path: string,
  what: 'liveness' | 'readiness' | 'startup',
  asked: Probe | undefined,
  gracePeriod?: number,
): void {
  if (!asked) return;
  const field = `${path}.${what}Probe`;
  handler(into, field, asked, gracePeriod);
  for (const name of COUNTS) nonnegative(into, `${field}.${name}`, asked[name]);
  const own = asked.terminationGracePeriodSeconds;
  if (own !== undefined && own <= 0) into.push(invalidValue(`${field}.terminationGracePeriodSeconds`, own, 'must be greater than 0'));
  if (what === 'readiness') {
    if (own === undefined) return;
    into.push(invalidValue(`${field}.terminationGracePeriodSeconds`, own, 'must not be set for readinessProbes'));
  } else if (asked.successThreshold !== 1) {
    into.push(invalidValue(`${field}.successThreshold`, asked.successThreshold ?? 0, 'must be 1'));
  }
}

/** What is run after a container's start and before its end. */
export function hooks(into: Problems, path: string, lifecycle: Lifecycle | undefined, gracePeriod: number | undefined): void {
  if (lifecycle?.postStart) handler(into, `${path}.lifecycle.postStart`, lifecycle.postStart, gracePeriod);
  if (lifecycle?.preStop) handler(into, `${path}.lifecycle.preStop`, lifecycle.preStop, gracePeriod);
}
