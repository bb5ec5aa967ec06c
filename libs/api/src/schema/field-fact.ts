/** What upstream's Go types say of one field. */
export interface FieldFact {
  /** `string`, `int32`, ...; `#model`; `[]T`; `map:T`. */
  readonly type: string;
  /** The values of the innermost string, where upstream calls it an enumeration. */
  readonly enum?: readonly string[];
  /** What upstream's documents give as the field's default; defaulting itself is the strategies' work. */
  readonly default?: unknown;
  readonly pointer?: boolean;
  /** Go's `omitempty`: an empty value is not written. */
  readonly omit?: boolean;
  readonly omitZero?: boolean;
  readonly optional?: boolean;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** The field's number in protobuf. */
  readonly proto?: number;
  /** The embedded struct a field comes from: its number and model. */
  readonly via?: string;
}

/** The fields of one Go type, in Go's order. */
export type ModelFacts = Readonly<Record<string, FieldFact>>;
