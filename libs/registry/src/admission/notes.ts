/** What admission has to say of a decision besides letting it pass, gathered while it is made. */
export class Notes {
  /** Sentences for the client: `Warning` headers. */
  readonly warnings: string[] = [];
  /** For the record: audit annotations of webhooks and policies by their keys. */
  readonly annotations = new Map<string, string>();

  /** An annotation is written once; a second value for its key is dropped, as upstream. */
  annotate(key: string, value: string): void {
    if (!this.annotations.has(key)) this.annotations.set(key, value);
  }
}
