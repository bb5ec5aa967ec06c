import { decode, definitionByKind, type ResourceDefinition } from '#libs/api';
import type { FieldError, KubeObject } from '#libs/apimachinery';

/** An object as a client writes it. */
export type Manifest = { readonly apiVersion: string; readonly kind: string } & Readonly<Record<string, unknown>>;

/** When objects that `made` makes are made. */
export const MADE_AT = Date.parse('2026-01-02T03:04:05Z');

/** The definition of a manifest's kind. Throws where nothing serves it. */
export function definitionFor({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): ResourceDefinition {
  const definition = definitionByKind(apiVersion, kind);
  if (!definition) throw new Error(`no definition of ${apiVersion} ${kind}`);
  return definition;
}

/** A manifest decoded strictly, and defaulted. */
export function defaulted(manifest: Manifest): KubeObject {
  const { model, strategy } = definitionFor(manifest);
  return strategy.defaults(decode(model, manifest, { strict: true }).object);
}

/** What the write path makes of a manifest before anything is allocated: decoded, defaulted, prepared. */
export const made = (manifest: Manifest): KubeObject =>
  definitionFor(manifest).strategy.prepareForCreate(defaulted(manifest), { now: MADE_AT });

/** Problems as a Status tells them, one a line. */
export const told = (problems: readonly Pick<FieldError, 'field' | 'message'>[]): readonly string[] =>
  problems.map(({ field, message }) => `${field}: ${message}`);
