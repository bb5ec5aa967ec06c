import { badRequest, type Instant, type KubeObject } from '#libs/apimachinery';
import type { PrinterColumn } from '#libs/api';
import type { Transform } from './negotiate.js';

/** Which part of an object goes with its row: metav1.IncludeObjectPolicy. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** metav1.ListMeta as far as it is set. */
export interface ListMeta {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Reads `includeObject`. Throws 400 in upstream's words. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject');
  if (value === null || value === '' || value === 'Metadata') return 'Metadata';
  if (value === 'None' || value === 'Object') return value;
  const supported = ['', 'Metadata', 'None', 'Object'].map((known) => JSON.stringify(known)).join(', ');
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
  );
}

/** The object with nothing but its metadata: metav1.PartialObjectMetadata. */
export const partialObject = ({ metadata }: KubeObject, version: Transform['version']): KubeObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
});

/** metav1.PartialObjectMetadataList. */
export const partialObjectList = (objects: readonly KubeObject[], metadata: ListMeta, version: Transform['version']): object => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
  items: objects.map((object) => partialObject(object, version)),
});

/** How a table is to look. */
export interface TableOptions {
  readonly version: Transform['version'];
  readonly include: IncludeObject;
  /** Later events of a watch leave the columns out. */
  readonly headers: boolean;
}

/** metav1.Table: what `kubectl get` prints, one row for each object. */
export function tableOf(
  columns: readonly PrinterColumn[],
  objects: readonly KubeObject[],
  metadata: ListMeta,
  now: Instant,
  { version, include, headers }: TableOptions,
): object {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: headers
      ? columns.map(({ name, type, format = '', description = '', priority }) => ({ name, type, format, description, priority }))
      : [],
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      ...(include === 'None' ? { object: null } : { object: include === 'Object' ? object : partialObject(object, version) }),
    })),
  };
}
