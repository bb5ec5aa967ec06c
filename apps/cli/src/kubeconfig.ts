import { isMap, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';

import { Failure } from './failure.js';

/** A cluster as a kubeconfig names it: cluster, user and context all have the profile's name. */
export interface KubeconfigEntry {
  readonly name: string;
  /** The cluster's id: tells our entries from others of the same name. */
  readonly id: string;
  readonly server: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Marks entries as ours, as minikube marks its own. */
const EXTENSION = 'decklog.dev/cluster';

/**
 * The kubeconfig with the cluster's entries put in or renewed and made current, unless another is to stay so. All else stays, comments included.
 * A Failure where entries of that name are someone else's, or the text is no kubeconfig.
 */
export function mergeKubeconfig(text: string, entry: KubeconfigEntry, keepCurrent = false): string {
  const document = parsed(text);
  for (const list of ['clusters', 'contexts', 'users'] as const) {
    const existing = named(listOf(document, list), entry.name);
    if (existing !== undefined && list === 'contexts' && markOf(existing) === undefined) throw foreign(entry.name);
  }
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const extensions = [{ extension: { id: entry.id }, name: EXTENSION }];
  put(document, 'clusters', entry.name, {
    cluster: { 'certificate-authority-data': base64(entry.authority), extensions, server: entry.server },
    name: entry.name,
  });
  put(document, 'contexts', entry.name, {
    context: { cluster: entry.name, extensions, namespace: 'default', user: entry.name },
    name: entry.name,
  });
  put(document, 'users', entry.name, {
    name: entry.name,
    user: { 'client-certificate-data': base64(entry.certificate), 'client-key-data': base64(entry.key) },
  });
  if (!keepCurrent || (document.get('current-context') ?? '') === '') document.set('current-context', entry.name);
  if (!document.has('apiVersion')) document.set('apiVersion', 'v1');
  if (!document.has('kind')) document.set('kind', 'Config');
  return document.toString({ lineWidth: 0 });
}

/** The kubeconfig without the cluster's entries; undefined where it has none of them. */
export function removeFromKubeconfig(text: string, name: string, id: string): string | undefined {
  const document = parsed(text);
  const context = named(listOf(document, 'contexts'), name);
  if (context === undefined || markOf(context) !== id) return undefined;
  for (const list of ['clusters', 'contexts', 'users'] as const) {
    const items = listOf(document, list);
    const existing = named(items, name);
    if (items !== undefined && existing !== undefined) items.items.splice(items.items.indexOf(existing), 1);
  }
  if (document.get('current-context') === name) document.set('current-context', '');
  return document.toString({ lineWidth: 0 });
}

/** A Failure where merging would be refused: asked before anything is started. */
export function checkKubeconfig(text: string, name: string): void {
  const context = named(listOf(parsed(text), 'contexts'), name);
  if (context !== undefined && markOf(context) === undefined) throw foreign(name);
}

function foreign(name: string): Failure {
  return new Failure(`the kubeconfig has a context "${name}" that is not Decklog's`, [
    'Choose another profile with -p NAME, rename that context (`kubectl config rename-context`), or set KUBECONFIG to another file.',
  ]);
}

function parsed(text: string): Document {
  const document = parseDocument(text, { strict: false });
  const [error] = document.errors;
  if (error !== undefined) throw new Failure(`the kubeconfig is no YAML: ${error.message.split('\n')[0] ?? ''}`, REPAIR);
  if (document.contents === null) document.contents = document.createNode({ apiVersion: 'v1', kind: 'Config', preferences: {} }) as never;
  if (!isMap(document.contents)) throw new Failure('the kubeconfig is no map', REPAIR);
  return document;
}

const REPAIR = ['Repair it, or set KUBECONFIG to another file.'];

function listOf(document: Document, list: string): YAMLSeq | undefined {
  const value = document.get(list, true);
  return isSeq(value) ? value : undefined;
}

function named(items: YAMLSeq | undefined, name: string): YAMLMap | undefined {
  return items?.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name);
}

function markOf(context: YAMLMap): string | undefined {
  const extensions = context.getIn(['context', 'extensions']);
  if (!isSeq(extensions)) return undefined;
  const id = named(extensions, EXTENSION)?.getIn(['extension', 'id']);
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

function put(document: Document, list: string, name: string, value: unknown): void {
  let items = listOf(document, list);
  if (items === undefined) {
    items = document.createNode([]) as YAMLSeq;
    document.set(list, items);
  }
  const node = document.createNode(value);
  const existing = named(items, name);
  if (existing === undefined) items.items.push(node);
  else items.items[items.items.indexOf(existing)] = node;
  items.flow = false;
}
