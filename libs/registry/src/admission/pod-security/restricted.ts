import type { PodSpec, Volume } from '#libs/api';
import { seccompProfile, unlessOwnUsers } from './baseline.js';
import type { Check, Violation } from './check.js';
import { containersOf, named, plural, quoted, setters, unique, type AnyContainer } from './containers.js';

/** Windows knows none of what these checks ask for. */
const unlessWindows =
  (check: Check['check']): Check['check'] =>
  (spec, metadata) =>
    spec.os?.name === 'windows' ? undefined : check(spec, metadata);

const namesOf = (containers: readonly AnyContainer[]): readonly string[] => containers.map(({ name }) => name);

function allowPrivilegeEscalation(spec: PodSpec): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named(namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}

function capabilities(spec: PodSpec): Violation | undefined {
  const of = ({ securityContext }: AnyContainer) => securityContext?.capabilities;
  const extra = (container: AnyContainer): readonly string[] => (of(container)?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  const keeping = containersOf(spec).filter((container) => !of(container)?.drop?.includes('ALL'));
  const adding = containersOf(spec).filter((container) => extra(container).length > 0);
  const details = [
    ...(keeping.length > 0 ? [`${named(namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${named(namesOf(adding))} must not include ${quoted(unique(adding.flatMap(extra)))} in securityContext.capabilities.add`]
      : []),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

const ALLOWED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** What kind a volume is of: the one member besides its name. */
const typeOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';

function restrictedVolumes({ volumes = [] }: PodSpec): Violation | undefined {
  const bad = volumes.filter((volume) => !ALLOWED_VOLUMES.includes(typeOf(volume)));
  if (bad.length === 0) return undefined;
  const types = unique(bad.map(typeOf));
  const who = `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map(({ name }) => name))} ${plural('uses', 'use', bad.length)}`;
  const what = `${plural('restricted volume type', 'restricted volume types', types.length)} ${quoted(types)}`;
  return { reason: 'restricted volume types', detail: `${who} ${what}` };
}

function runAsNonRoot(spec: PodSpec): Violation | undefined {
  const reason = 'runAsNonRoot != true';
  const who = setters(spec, (context) => context.runAsNonRoot === false);
  if (who !== undefined) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (spec.securityContext?.runAsNonRoot === true) return undefined;
  const silent = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${named(namesOf(silent))} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(spec: PodSpec): Violation | undefined {
  const who = setters(spec, (context) => context.runAsUser === 0);
  return who === undefined ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
}

function seccomp(spec: PodSpec): Violation | undefined {
  const wrong = seccompProfile(spec);
  if (wrong || spec.securityContext?.seccompProfile !== undefined) return wrong;
  const silent = containersOf(spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  const detail = `pod or ${named(namesOf(silent))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
  return { reason: 'seccompProfile', detail };
}

/** What the restricted standard asks for besides, in upstream's order. */
export const RESTRICTED: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', since: 8, check: allowPrivilegeEscalation },
  { id: 'allowPrivilegeEscalation', since: 25, check: unlessWindows(allowPrivilegeEscalation) },
  { id: 'capabilities_restricted', since: 22, instead: 'capabilities_baseline', check: capabilities },
  { id: 'capabilities_restricted', since: 25, instead: 'capabilities_baseline', check: unlessWindows(capabilities) },
  { id: 'restrictedVolumes', since: 0, instead: 'hostPathVolumes', check: restrictedVolumes },
  { id: 'runAsNonRoot', since: 0, check: runAsNonRoot },
  { id: 'runAsNonRoot', since: 35, check: unlessOwnUsers(runAsNonRoot) },
  { id: 'runAsUser', since: 23, check: runAsUser },
  { id: 'runAsUser', since: 35, check: unlessOwnUsers(runAsUser) },
  { id: 'seccompProfile_restricted', since: 19, instead: 'seccompProfile_baseline', check: seccomp },
  { id: 'seccompProfile_restricted', since: 25, instead: 'seccompProfile_baseline', check: unlessWindows(seccomp) },
];
