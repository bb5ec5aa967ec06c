import type { GroupVersionResource } from '#libs/apimachinery';

import { Failure } from '../failure.js';

/** A resource that an API server serves, in one of its versions: the group's preferred one comes first. */
export interface ServedResource extends GroupVersionResource {
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** A resource as somebody named it. `kind`, `version` and `namespaced` are unknown of one that is not served any more. */
export interface NamedResource {
  readonly group: string;
  readonly resource: string;
  readonly version?: string;
  readonly kind?: string;
  readonly namespaced?: boolean;
}

/** The object that a command is about. */
export interface NamedObject extends NamedResource {
  readonly name: string;
}

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope?: string;
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

/** What to accept so that `/api` and `/apis` tell everything at once. */
export const DISCOVERY_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** The resources of aggregated discovery, in the server's order: groups as it ranks them, their preferred versions first. */
export const resourcesOfDiscovery = (list: unknown): readonly ServedResource[] =>
  ((list as DiscoveryList).items ?? []).flatMap(({ metadata, versions = [] }) =>
    versions.flatMap(({ version, resources = [] }) =>
      resources.map(({ resource, responseKind, scope, singularResource = '', shortNames = [], verbs = [] }) => ({
        group: metadata?.name ?? '',
        version,
        resource,
        kind: responseKind?.kind ?? '',
        singular: singularResource,
        shortNames,
        namespaced: scope === 'Namespaced',
        verbs,
      })),
    ),
  );

type Matches = (served: ServedResource, word: string) => boolean;

/** As kubectl reads a word: a resource's own name first, then a short name, then the singular or the kind. */
const WAYS: readonly Matches[] = [
  ({ resource }, word) => resource === word,
  ({ shortNames }, word) => shortNames.includes(word),
  ({ singular, kind }, word) => singular === word || kind.toLowerCase() === word,
];

/** The readings of `deployments.v1.apps`: as resource, version and group where it can be, and as resource and group. */
function readingsOf(text: string): readonly { readonly word: string; readonly version?: string; readonly group?: string }[] {
  const [word = '', second, ...rest] = text.toLowerCase().split('.');
  if (second === undefined) return [{ word }];
  const group = [second, ...rest].join('.');
  const versioned = /^v\d+((alpha|beta)\d+)?$/.test(second) ? [{ word, version: second, group: rest.join('.') }] : [];
  return [...versioned, { word, group }];
}

function served(text: string, all: readonly ServedResource[]): ServedResource | undefined {
  for (const { word, version, group } of readingsOf(text)) {
    const among = inGroup(group, version === undefined ? all : all.filter((one) => one.version === version));
    for (const matches of WAYS) {
      const found = among.find((one) => matches(one, word));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** As kubectl: a group's beginning does where no group is called that. */
function inGroup(group: string | undefined, all: readonly ServedResource[]): readonly ServedResource[] {
  if (group === undefined) return all;
  const exact = all.filter((one) => one.group === group);
  return exact.length > 0 || group === '' ? exact : all.filter((one) => one.group.startsWith(group));
}

/**
 * The resource that somebody named as kubectl takes it (`deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps`). One that is
 * not served any more is found by its full name: `widgets.example.com`.
 */
export function namedResource(text: string, all: readonly ServedResource[]): NamedResource {
  const found = served(text, all);
  if (found !== undefined) return found;
  const [, resource, group] = /^([a-z][a-z0-9-]*)\.((?:[a-z0-9-]+\.)+[a-z0-9-]+)$/.exec(text.toLowerCase()) ?? [];
  if (resource !== undefined && group !== undefined) return { resource, group };
  throw new Failure(`the server doesn't have a resource type "${text}"`, [
    'See `kubectl api-resources`; of a kind that is gone, give the plural and the group: widgets.example.com/NAME.',
  ]);
}

/** The object that `KIND/NAME` or `KIND NAME` names. */
export function namedObject(args: readonly string[], all: readonly ServedResource[]): NamedObject {
  const [first = '', second, ...more] = args;
  const slash = first.indexOf('/');
  const [kind, name, rest] = slash < 0 ? [first, second, more] : [first.slice(0, slash), first.slice(slash + 1), args.slice(1)];
  if (kind === '' || name === undefined || name === '' || name.includes('/') || rest.length > 0)
    throw new Failure(
      'one object is expected, as KIND/NAME or KIND NAME',
      ['For instance deploy/web, pod web-0, deployments.apps/web.'],
      2,
    );
  return { ...namedResource(kind, all), name };
}

/** How a resource is called in messages and under `-o name`: `deployments.apps`, `pods`. */
export const resourceText = ({ group, resource }: Pick<NamedResource, 'group' | 'resource'>): string =>
  group === '' ? resource : `${resource}.${group}`;

/** How an object is called where people read it: `deployment/web`, `widget.example.com/a` for kinds of others. */
export function objectText({
  group,
  resource,
  kind,
  name,
}: NamedObject | { group: string; resource: string; kind?: string; name: string }): string {
  const plain = group === '' || !group.includes('.') || group.endsWith('.k8s.io');
  const word = kind === undefined ? resource : kind.toLowerCase();
  return `${plain ? word : `${word}.${group}`}/${name}`;
}
