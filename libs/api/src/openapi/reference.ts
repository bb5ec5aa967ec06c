/** A schema of OpenAPI 3.0, with Kubernetes' extensions. */
export type Schema = Readonly<Record<string, unknown>>;

/** Where a document keeps a schema. */
export const schemaPath = (model: string): string => `#/components/schemas/${model}`;

/** A reference to a schema. Wrapped, as a reference can't have neighbours in OpenAPI 3.0. */
export const schemaReference = (model: string): Schema => ({ allOf: [{ $ref: schemaPath(model) }] });
