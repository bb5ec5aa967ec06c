import { duplicate, forbiddenField, invalidValue, isValidGroupId, isValidUserId, required } from '#libs/apimachinery';
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../generated/types.js';
import { judge, oneOfIfSet, unsupported, type Problems } from '../../problems.js';
import { localDescending } from './path-validation.js';

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const SYSCTL = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const SYSCTL_PATTERN = new RegExp(SYSCTL);

function profileType(into: Problems, path: string, kind: string, type: string): void {
  if (type === '') into.push(required(`${path}.type`, `type is required when ${kind} is set`));
  else if (!PROFILE_TYPES.includes(type)) into.push(unsupported(`${path}.type`, type, PROFILE_TYPES));
}

function seccomp(into: Problems, path: string, profile: SeccompProfile | undefined): void {
  if (!profile) return;
  profileType(into, path, 'seccompProfile', profile.type);
  const field = `${path}.localhostProfile`;
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) into.push(required(field, 'must be set when seccomp type is Localhost'));
    else localDescending(into, field, profile.localhostProfile);
  } else if (profile.localhostProfile !== undefined) {
    into.push(invalidValue(field, profile, 'can only be set when seccomp type is Localhost'));
  }
}

function appArmor(into: Problems, path: string, profile: AppArmorProfile | undefined): void {
  if (!profile) return;
  profileType(into, path, 'appArmorProfile', profile.type);
  const field = `${path}.localhostProfile`;
  const local = profile.localhostProfile;
  if (profile.type === 'Localhost') {
    if (!local?.trim()) into.push(required(field, 'must be set when AppArmor type is Localhost'));
    else if (local.trim() !== local) into.push(invalidValue(field, local, 'must not be padded with whitespace'));
  } else if (local !== undefined && PROFILE_TYPES.includes(profile.type)) {
    into.push(invalidValue(field, local, 'can only be set when AppArmor type is Localhost'));
  }
}

function ids(into: Problems, path: string, { runAsUser, runAsGroup }: Pick<SecurityContext, 'runAsUser' | 'runAsGroup'>): void {
  if (runAsUser !== undefined) judge(into, `${path}.runAsUser`, runAsUser, isValidUserId);
  if (runAsGroup !== undefined) judge(into, `${path}.runAsGroup`, runAsGroup, isValidGroupId);
}

/** A container's security context. `hostUsers`: the pod has no user namespace of its own. */
export function containerSecurity(into: Problems, path: string, context: SecurityContext | undefined, hostUsers: boolean): void {
  if (!context) return;
  ids(into, path, context);
  oneOfIfSet(into, `${path}.procMount`, context.procMount, ['Default', 'Unmasked']);
  if (hostUsers && context.procMount === 'Unmasked') {
    into.push(invalidValue(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  seccomp(into, `${path}.seccompProfile`, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) {
      into.push(invalidValue(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      into.push(invalidValue(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  appArmor(into, `${path}.appArmorProfile`, context.appArmorProfile);
}

function sysctls(into: Problems, path: string, { hostNetwork, hostIPC, securityContext }: PodSpec): void {
  const seen = new Set<string>();
  for (const [index, { name }] of (securityContext?.sysctls ?? []).entries()) {
    const field = `${path}[${index}].name`;
    if (name === '') into.push(required(field));
    else if (name.length > 253 || !SYSCTL_PATTERN.test(name)) {
      into.push(invalidValue(field, name, `must have at most 253 characters and match regex ${SYSCTL}`));
    } else if (seen.has(name)) into.push(duplicate(field, name));
    seen.add(name);
    const dotted = name.replaceAll('/', '.');
    if (hostNetwork && dotted.startsWith('net.')) into.push(invalidValue(field, name, "may not be specified when 'hostNetwork' is true"));
    if (hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) {
      into.push(invalidValue(field, name, "may not be specified when 'hostIPC' is true"));
    }
  }
}

/** The security context of a pod as a whole, and how it goes with the host's namespaces. */
export function podSecurity(into: Problems, path: string, spec: PodSpec): void {
  const context = spec.securityContext;
  const field = `${path}.securityContext`;
  if (context) {
    if (context.fsGroup !== undefined) judge(into, `${field}.fsGroup`, context.fsGroup, isValidGroupId);
    ids(into, field, context);
    for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
      judge(into, `${field}.supplementalGroups[${index}]`, group, isValidGroupId);
    }
    sysctls(into, `${field}.sysctls`, spec);
    oneOfIfSet(into, `${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
    seccomp(into, `${field}.seccompProfile`, context.seccompProfile);
    appArmor(into, `${field}.appArmorProfile`, context.appArmorProfile);
    oneOfIfSet(into, `${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
    oneOfIfSet(into, `${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']);
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    into.push(invalidValue(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
}

/** A pod with user namespaces of its own shares none of the host's. */
export function ownUsers(into: Problems, path: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) return;
  const detail = 'when `pod.Spec.HostUsers` is false';
  if (spec.hostNetwork) into.push(forbiddenField(`${path}.hostNetwork`, detail));
  if (spec.hostPID) into.push(forbiddenField(`${path}.HostPID`, detail));
  if (spec.hostIPC) into.push(forbiddenField(`${path}.HostIPC`, detail));
}
