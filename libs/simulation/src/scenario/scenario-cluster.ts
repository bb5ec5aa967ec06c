import { DEFINITIONS, definitionByKind, type ResourceDefinition } from '#libs/api';
import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { definitionOf } from '#libs/api';
import type { Patch, WriteOptions } from '#libs/registry';
import type { StateCache, WriteResult } from '#libs/runtime';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { ScenarioError } from './command.js';

const REQUESTER = { actor: { user: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }, agent: 'kubectl' };

const definitionFor = (resource: GroupVersionResource): ResourceDefinition => {
  const definition = definitionOf(resource);
  if (!definition) throw new ScenarioError(`${resource.resource} is not served`);
  return definition;
};

/** `deployment.apps`, or `pod` in the core group: how kubectl names a kind in its answers. */
export const kindName = ({ singular, resource }: ResourceDefinition): string =>
  resource.group === '' ? singular : `${singular}.${resource.group}`;

/** A simulated cluster as kubectl sees it: every write settles before the next command. */
export class ScenarioCluster {
  constructor(readonly cluster: SimulatedCluster) {}

  get view(): StateCache {
    return this.cluster.view;
  }

  /** The resource somebody means by its plural, singular or short name. */
  resource(word: string): ResourceDefinition {
    const found = DEFINITIONS.find(
      ({ resource, singular, shortNames, verbs, storage }) =>
        verbs.length > 0 && storage === undefined && [resource.resource, singular, ...shortNames].includes(word),
    );
    if (!found) throw new ScenarioError(`the server doesn't have a resource type "${word}"`);
    return found;
  }

  /** An object that has to be there. */
  object(definition: ResourceDefinition, namespace: string, name: string): KubeObject {
    const object = this.view.get(definition.resource, definition.scope === 'Namespaced' ? namespace : undefined, name);
    if (!object) throw new ScenarioError(`${definition.resource.resource} "${name}" not found`);
    return object;
  }

  async create(manifest: KubeObject, namespace: string): Promise<string> {
    const definition = definitionByKind(manifest.apiVersion, manifest.kind);
    if (!definition) throw new ScenarioError(`no kind ${manifest.kind} in ${manifest.apiVersion}`);
    const namespaced = definition.scope === 'Namespaced';
    const object = namespaced ? { ...manifest, metadata: { namespace, ...manifest.metadata } } : manifest;
    await this.#write({
      verb: 'create',
      definition,
      object,
      ...(namespaced ? { namespace: object.metadata.namespace ?? namespace } : {}),
      options: {},
    });
    return `${kindName(definition)}/${manifest.metadata.name ?? ''} created`;
  }

  async patch(resource: GroupVersionResource, { metadata }: KubeObject, patch: Patch, subresource?: string): Promise<WriteResult> {
    const { namespace, name = '' } = metadata;
    return this.#write({
      verb: 'patch',
      definition: definitionFor(resource),
      ...(namespace === undefined ? {} : { namespace }),
      ...(subresource === undefined ? {} : { subresource }),
      name,
      patch,
      options: {},
    });
  }

  async delete(definition: ResourceDefinition, { metadata }: KubeObject, options: WriteOptions): Promise<void> {
    const { namespace, name = '' } = metadata;
    await this.#write({ verb: 'delete', definition, ...(namespace === undefined ? {} : { namespace }), name, options });
  }

  async #write(request: Omit<Parameters<SimulatedCluster['writePath']['execute']>[0], 'requester'>): Promise<WriteResult> {
    const result = await this.cluster.writePath.execute({ ...request, requester: REQUESTER });
    const { stream } = request.definition;
    if (result.sequence !== undefined) await this.view.reached(stream, result.sequence);
    return result;
  }
}

/** What a refused command prints, as kubectl does. */
export const refusalOf = (error: unknown): string | undefined =>
  error instanceof StatusError ? `Error from server (${error.reason}): ${error.message}` : undefined;
