/** What lines of the log say of an event's chain: its `stream` and `sequence`, and the `root` of that. */
export function logged({ cause, root }: { readonly cause?: string; readonly root?: string }): Readonly<Record<string, unknown>> {
  const [stream, sequence] = cause?.split(':') ?? [];
  return {
    ...(stream === undefined || sequence === undefined ? {} : { stream, sequence: Number(sequence) }),
    ...(root === undefined ? {} : { root }),
  };
}
