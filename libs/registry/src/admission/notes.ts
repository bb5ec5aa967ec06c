import type { StatusError } from '#libs/apimachinery';

/** What admission has to say of a write besides whether it passes. */
export interface Remarks {
  /** Sentences for the client: `Warning` headers. */
  readonly warnings: readonly string[];
  /** For the record: audit annotations of webhooks, policies and PodSecurity by their keys. */
  readonly annotations: ReadonlyMap<string, string>;
}

/** What admission has to say of a decision besides letting it pass, gathered while it is made. */
export class Notes implements Remarks {
  readonly warnings: string[] = [];
  readonly annotations = new Map<string, string>();
  readonly #lists = new Map<string, string[]>();

  /** An annotation is written once; a second value for its key is dropped, as upstream. */
  annotate(key: string, value: string): void {
    if (!this.annotations.has(key)) this.annotations.set(key, value);
  }

  /** An annotation whose different values are told one after the other: a policy may be evaluated with several params. */
  annotateEach(key: string, value: string): void {
    const values = this.#lists.get(key) ?? [];
    if (values.includes(value)) return;
    values.push(value);
    this.#lists.set(key, values);
    this.annotations.set(key, values.join(', '));
  }
}

const refused = new WeakMap<StatusError, Remarks>();

/** Keeps what was said of a write with its refusal. */
export function remark(refusal: StatusError, notes: Notes): void {
  if (notes.warnings.length > 0 || notes.annotations.size > 0) refused.set(refusal, notes);
}

/** Keeps what was said with one refusal with another that passes it on. */
export function remarkAs(refusal: StatusError, original: StatusError): void {
  const remarks = refused.get(original);
  if (remarks) refused.set(refusal, remarks);
}

/** What admission said of a write that it refused with this Status; undefined: nothing. */
export const remarksOn = (refusal: StatusError): Remarks | undefined => refused.get(refusal);
