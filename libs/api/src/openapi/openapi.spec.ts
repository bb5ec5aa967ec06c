import { DEFINITIONS } from '#libs/api';
import { openApiDocuments, openApiV3, openApiV3Index } from './document.js';

type Tree = { readonly [key: string]: Tree };

const documentOf = (group: string): Tree => {
  const document = openApiV3({ group, version: 'v1' }, DEFINITIONS);
  return JSON.parse(JSON.stringify(document)) as Tree;
};
const core = documentOf('');
const apps = documentOf('apps');
const schemaOf = (document: Tree, name: string): unknown => document['components']?.['schemas']?.[name];

/** Every `$ref` in a document; a property may be called so too. */
function references(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === '$ref' && typeof member === 'string' ? [member] : references(member)));
}

describe('openApiV3', () => {
  it.each([...openApiDocuments(DEFINITIONS)])('%s refers to no schema that it does not have', (_path, groupVersion) => {
    const document = openApiV3(groupVersion, DEFINITIONS);
    const known = new Set(Object.keys(document?.components.schemas ?? {}).map((name) => `#/components/schemas/${name}`));
    expect(references(document).filter((ref) => !known.has(ref))).toEqual([]);
  });

  it('gives each operation an id of its own', () => {
    const ids = Object.values(core['paths'] ?? {}).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => (operationId ? [operationId] : [])),
    );
    expect(ids.length).toBeGreaterThan(50);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining(['listCoreV1NamespacedPod', 'listCoreV1PodForAllNamespaces', 'readCoreV1NamespacedPodLog', 'patchCoreV1Node']),
    );
  });

  it('tells kubectl that the server validates fields', () => {
    const patch = apps['paths']?.['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch'];
    expect(patch).toMatchObject({
      'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
      'x-kubernetes-action': 'patch',
    });
    expect(patch?.['parameters']).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'fieldValidation', in: 'query' })]));
  });

  it('says how lists merge', () => {
    expect(schemaOf(core, 'io.k8s.api.core.v1.PodSpec')).toMatchObject({
      type: 'object',
      required: ['containers'],
      properties: {
        containers: {
          type: 'array',
          items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
          'x-kubernetes-list-map-keys': ['name'],
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-patch-merge-key': 'name',
          'x-kubernetes-patch-strategy': 'merge',
        },
        nodeSelector: { type: 'object', additionalProperties: { type: 'string', default: '' }, 'x-kubernetes-map-type': 'atomic' },
      },
    });
  });

  it.each<[string, string, object]>([
    ['the values of enumerations', 'Container', { properties: { imagePullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] } } }],
    [
      'the values of lists of them',
      'PersistentVolumeClaimSpec',
      { properties: { accessModes: { items: { enum: expect.arrayContaining(['ReadWriteOnce']) } } } },
    ],
    ['documented defaults', 'ContainerPort', { properties: { protocol: { default: 'TCP' } } }],
    ['what one owner owns as a whole', 'ConfigMapKeySelector', { 'x-kubernetes-map-type': 'atomic' }],
    [
      'unions',
      'SeccompProfile',
      { 'x-kubernetes-unions': [{ discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } }] },
    ],
    ['what must be there, in the order of the type', 'AttachedVolume', { required: ['name', 'devicePath'] }],
  ])('says %s', (_, name, wanted) => {
    expect(schemaOf(core, `io.k8s.api.core.v1.${name}`)).toMatchObject(wanted);
  });

  it('lets defaults and values within schemas of custom resources be any JSON', () => {
    const place = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
    const document = documentOf('apiextensions.k8s.io');
    const any = { allOf: [{ $ref: `#/components/schemas/${place}.JSON` }] };
    expect(schemaOf(document, `${place}.JSONSchemaProps`)).toMatchObject({
      properties: { default: any, enum: { items: any }, example: any },
    });
    expect(schemaOf(document, `${place}.JSON`)).toEqual({});
  });

  it('lists the encodings of requests and answers', () => {
    const collection = core['paths']?.['/api/v1/namespaces/{namespace}/pods'];
    const types = (code: string, operation: Tree | undefined) => Object.keys(operation?.['responses']?.[code]?.['content'] ?? {});
    expect(types('201', collection?.['post'])).toEqual(['application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml']);
    expect(types('200', collection?.['get'])).toContain('application/vnd.kubernetes.protobuf;stream=watch');
    expect(collection?.['post']?.['requestBody']).toMatchObject({ content: { '*/*': {} }, required: true });
    expect(collection?.['post']?.['responses']?.['202']).toMatchObject({ description: 'Accepted' });
  });

  it('puts what all operations of a path share at the path', () => {
    const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name);
    const collection = core['paths']?.['/api/v1/namespaces/{namespace}/pods'];
    expect(names(collection?.['parameters'])).toEqual(['namespace', 'pretty']);
    expect(names(core['paths']?.['/api/v1/pods']?.['parameters'])).toEqual(expect.arrayContaining(['labelSelector', 'pretty', 'watch']));
  });

  it('says how one connects to a stream', () => {
    const exec = core['paths']?.['/api/v1/namespaces/{namespace}/pods/{name}/exec'];
    expect(exec?.['get']).toMatchObject({ operationId: 'connectCoreV1GetNamespacedPodExec', 'x-kubernetes-action': 'connect' });
    expect(exec?.['parameters']).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'command' })]));
    expect(schemaOf(core, 'io.k8s.api.core.v1.PodExecOptions')).toBeUndefined();
  });

  it('has the old paths of watches, and that of discovery', () => {
    const paths = core['paths'] ?? {};
    expect(paths['/api/v1/']?.['get']).toMatchObject({ operationId: 'getCoreV1APIResources' });
    expect(paths['/api/v1/watch/namespaces/{namespace}/pods/{name}']?.['get']).toMatchObject({ 'x-kubernetes-action': 'watch' });
    expect(paths['/api/v1/watch/pods']?.['get']).toMatchObject({ 'x-kubernetes-action': 'watchlist' });
  });

  it('names the kinds of schemas, lists included', () => {
    expect(schemaOf(apps, 'io.k8s.api.apps.v1.DeploymentList')).toMatchObject({
      required: ['items'],
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'DeploymentList' }],
    });
    expect(schemaOf(apps, 'io.k8s.api.autoscaling.v1.Scale')).toMatchObject({
      'x-kubernetes-group-version-kind': [{ group: 'autoscaling', version: 'v1', kind: 'Scale' }],
    });
  });

  it('has nothing for what is not served', () => {
    expect(openApiV3({ group: 'apps', version: 'v2' }, DEFINITIONS)).toBeUndefined();
  });

  it('is indexed by path, with hashes', () => {
    const { paths } = openApiV3Index(DEFINITIONS, (path) => path.toUpperCase());
    expect(paths['apis/apps/v1']).toEqual({ serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=APIS/APPS/V1' });
    expect(Object.keys(paths)).toEqual([...openApiDocuments(DEFINITIONS).keys()].sort());
  });
});
