import { catalogWith, CUSTOMRESOURCEDEFINITIONS, DEFINITIONS, isServed, type Catalog, type GroupVersion } from '#libs/api';
import { qualifiedResource } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import type { MomentReader, StateView, WebhookCaller } from '#libs/runtime';
import type { Documents } from '../documents/documents.js';
import { available } from '../reads/projection-reader.js';
import { rowOf, ServedResource } from '../served-resource.js';

/** Sets of definitions whose catalogs, handlers and documents are kept. */
const MOST_KEPT = 8;

/** What was served at a moment. */
export interface PastCatalog {
  resourceOf(resource: GroupVersion & { readonly resource: string }): ServedResource | undefined;
  readonly documents: Documents;
}

/** What past catalogs are made of. */
export interface PastCatalogSources {
  readonly view: StateView;
  readonly history: MomentReader;
  readonly caller: WebhookCaller | undefined;
  readonly documentsOf: (catalog: Catalog) => Documents;
}

/** What was served at any moment: a function of the CustomResourceDefinitions that were there then. */
export class PastCatalogs {
  /** By the definitions they came from, the least recently used first. */
  private readonly known = new Map<string, Catalog>();
  private readonly made = new WeakMap<Catalog, PastCatalog>();

  constructor(private readonly sources: PastCatalogSources) {}

  /** What was served when `state` stood at the sequence. */
  async at(sequence: Sequence, signal: AbortSignal): Promise<PastCatalog> {
    const catalog = this.unchanged(sequence) ?? (await this.read(sequence, signal));
    let past = this.made.get(catalog);
    if (past === undefined) {
      past = this.make(catalog);
      this.made.set(catalog, past);
    }
    return past;
  }

  /** The present catalog, where no definition has changed since; undefined where that is not so, or not known. */
  private unchanged(sequence: Sequence): Catalog | undefined {
    const { view } = this.sources;
    if (sequence > view.position.state || view.since(CUSTOMRESOURCEDEFINITIONS, sequence)?.length !== 0) return undefined;
    return view.catalog.current;
  }

  private async read(sequence: Sequence, signal: AbortSignal): Promise<Catalog> {
    const rows = await available(() => this.sources.history.listAt(CUSTOMRESOURCEDEFINITIONS, undefined, sequence), signal);
    const key = rows.map((row) => row.sequence).join(' ');
    const catalog =
      this.known.get(key) ??
      catalogWith(
        DEFINITIONS,
        rows.map((row) => rowOf(row).object),
      );
    this.known.delete(key);
    this.known.set(key, catalog);
    for (const oldest of [...this.known.keys()].slice(0, Math.max(0, this.known.size - MOST_KEPT))) this.known.delete(oldest);
    return catalog;
  }

  private make(catalog: Catalog): PastCatalog {
    const { caller, documentsOf } = this.sources;
    const served = new Map<string, ServedResource>();
    for (const definition of catalog.definitions.filter(isServed)) {
      served.set(keyOf(definition.resource), new ServedResource(definition, caller));
    }
    let documents: Documents | undefined;
    return {
      resourceOf: (resource) => served.get(keyOf(resource)),
      get documents() {
        return (documents ??= documentsOf(catalog));
      },
    };
  }
}

const keyOf = (resource: GroupVersion & { readonly resource: string }): string => `${resource.version} ${qualifiedResource(resource)}`;
