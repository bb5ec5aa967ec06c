import type { PodSpec, SELinuxOptions } from '#libs/api';
import type { ObjectMeta } from '#libs/apimachinery';
import type { Check, Violation } from './check.js';
import { containersOf, contextsOf, named, plural, quoted, setters, unique, type AnyContainer } from './containers.js';

const CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
);

const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const isAppArmorType = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost';
const isAppArmorProfile = (profile: string): boolean => profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');

function appArmorProfile(spec: PodSpec, { annotations = {} }: ObjectMeta): Violation | undefined {
  const who = setters(spec, ({ appArmorProfile: profile }) => profile !== undefined && !isAppArmorType(profile.type));
  const types = contextsOf(spec).flatMap(({ appArmorProfile: profile }) =>
    profile && !isAppArmorType(profile.type) ? [profile.type] : [],
  );
  const bad = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !isAppArmorProfile(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const all = [...(who === undefined ? [] : [who]), ...(bad.length > 0 ? [plural('annotation', 'annotations', bad.length)] : [])];
  if (all.length === 0) return undefined;
  const values = [...unique(types), ...bad];
  return {
    reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', values.length),
    detail: `${all.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function capabilities(spec: PodSpec): Violation | undefined {
  const extra = ({ securityContext }: AnyContainer): readonly string[] =>
    (securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name));
  const bad = containersOf(spec).filter((container) => extra(container).length > 0);
  if (bad.length === 0) return undefined;
  const names = named(bad.map(({ name }) => name));
  return {
    reason: 'non-default capabilities',
    detail: `${names} must not include ${quoted(unique(bad.flatMap(extra)))} in securityContext.capabilities.add`,
  };
}

function hostNamespaces(spec: PodSpec): Violation | undefined {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true);
  return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.map((name) => `${name}=true`).join(', ') };
}

function hostPathVolumes({ volumes = [] }: PodSpec): Violation | undefined {
  const bad = volumes.filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  if (bad.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad)}` };
}

function hostPorts(spec: PodSpec): Violation | undefined {
  const portsOf = ({ ports = [] }: AnyContainer): readonly string[] =>
    ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const bad = containersOf(spec).filter((container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = unique(bad.flatMap(portsOf));
  const called = plural('hostPort', 'hostPorts', ports.length);
  const uses = plural('uses', 'use', bad.length);
  return { reason: called, detail: `${named(bad.map(({ name }) => name))} ${uses} ${called} ${ports.join(', ')}` };
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): readonly string[] {
  const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return handlers.flatMap((handler) => [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? '']).filter((host) => host !== '');
}

function hostProbes(spec: PodSpec): Violation | undefined {
  const bad = containersOf(spec).filter((container) => hostsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const hosts = unique(bad.flatMap(hostsOf));
  const called = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.length);
  const names = unique(bad.map(({ name }) => name));
  return { reason: 'probe or lifecycle host', detail: `${named(names)} ${plural('uses', 'use', names.length)} ${called} ${quoted(hosts)}` };
}

function privileged(spec: PodSpec): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${named(bad.map(({ name }) => name))} must not set securityContext.privileged=true` };
}

function procMount(spec: PodSpec): Violation | undefined {
  const typeOf = ({ securityContext }: AnyContainer): string => securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter((container) => typeOf(container) !== 'Default');
  if (bad.length === 0) return undefined;
  const types = quoted(unique(bad.map(typeOf)));
  return { reason: 'procMount', detail: `${named(bad.map(({ name }) => name))} must not set securityContext.procMount to ${types}` };
}

/** A pod with users of its own may do what others may not (KEP-127). */
export const unlessOwnUsers =
  (check: Check['check']): Check['check'] =>
  (spec, metadata) =>
    spec.hostUsers === false ? undefined : check(spec, metadata);

function seLinux(allowed: ReadonlySet<string>): Check['check'] {
  const isType = ({ type = '' }: SELinuxOptions): boolean => allowed.has(type);
  const isBad = (options: SELinuxOptions): boolean => !isType(options) || Boolean(options.user) || Boolean(options.role);
  return (spec) => {
    const who = setters(spec, ({ seLinuxOptions }) => seLinuxOptions !== undefined && isBad(seLinuxOptions));
    if (who === undefined) return undefined;
    const all = contextsOf(spec).flatMap(({ seLinuxOptions }) => seLinuxOptions ?? []);
    const types = unique(all.filter((options) => !isType(options)).map(({ type = '' }) => type));
    const wrong = [
      ...(types.length > 0 ? [`${plural('type', 'types', types.length)} ${quoted(types)}`] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ];
    return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${wrong.join('; ')}` };
  };
}

/** Annotations that named seccomp profiles before pods had a field for them: of the pod, and of its containers by name. */
export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const isSeccompProfile = (value: string): boolean =>
  value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');

function seccompAnnotations(spec: PodSpec, { annotations = {} }: ObjectMeta): Violation | undefined {
  const keys = [SECCOMP_POD, ...containersOf(spec).map(({ name }) => SECCOMP_CONTAINER + name)];
  const bad = unique(
    keys.flatMap((key) => {
      const value = annotations[key];
      return value === undefined || isSeccompProfile(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (bad.length === 0) return undefined;
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${bad.join(', ')}` };
}

const isSeccompType = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost';

/** Profiles that are set, and must not be. */
export function seccompProfile(spec: PodSpec): Violation | undefined {
  const who = setters(spec, ({ seccompProfile: profile }) => profile !== undefined && !isSeccompType(profile.type));
  if (who === undefined) return undefined;
  const types = contextsOf(spec).flatMap(({ seccompProfile: profile }) => (profile && !isSeccompType(profile.type) ? [profile.type] : []));
  return { reason: 'seccompProfile', detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(unique(types))}` };
}

const SYSCTLS: readonly (readonly [number, readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [29, ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

function sysctls(since: number): Check {
  const allowed = new Set(SYSCTLS.filter(([minor]) => minor <= since).flatMap(([, names]) => names));
  return {
    id: 'sysctls',
    since,
    check: ({ securityContext }) => {
      const bad = (securityContext?.sysctls ?? []).filter(({ name }) => !allowed.has(name)).map(({ name }) => name);
      return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
    },
  };
}

function windowsHostProcess(spec: PodSpec): Violation | undefined {
  const who = setters(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true);
  if (who === undefined) return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
}

const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

/** The checks of the baseline standard, in upstream's order. */
export const BASELINE: readonly Check[] = [
  { id: 'appArmorProfile', since: 0, check: appArmorProfile },
  { id: 'capabilities_baseline', since: 0, check: capabilities },
  { id: 'hostNamespaces', since: 0, check: hostNamespaces },
  { id: 'hostPathVolumes', since: 0, check: hostPathVolumes },
  { id: 'hostPorts', since: 0, check: hostPorts },
  { id: 'hostProbesAndHostLifecycle', since: 34, check: hostProbes },
  { id: 'privileged', since: 0, check: privileged },
  { id: 'procMount', since: 0, check: procMount },
  { id: 'procMount', since: 35, check: unlessOwnUsers(procMount) },
  { id: 'seLinuxOptions', since: 0, check: seLinux(new Set(SELINUX_TYPES)) },
  { id: 'seLinuxOptions', since: 31, check: seLinux(new Set([...SELINUX_TYPES, 'container_engine_t'])) },
  { id: 'seccompProfile_baseline', since: 0, check: seccompAnnotations },
  { id: 'seccompProfile_baseline', since: 19, check: seccompProfile },
  ...SYSCTLS.map(([since]) => sysctls(since)),
  { id: 'windowsHostProcess', since: 0, check: windowsHostProcess },
];
