import { parse } from 'yaml';
import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 50');

const Sink = z
  .strictObject({
    name,
    /** As events of audit.k8s.io/v1, or as activities of history.decklog.dev/v1. */
    format: z.enum(['audit', 'activity']).default('audit'),
    /** Whether what a change made of the object goes with it; never that of a Secret. */
    bodies: z.boolean().default(false),
    /** Where a new sink begins: with what happens from now on, or with all there is. */
    from: z.enum(['now', 'beginning']).default('now'),
    file: z
      .strictObject({
        path: z.string().startsWith('/', 'an absolute path'),
        maxMiB: z.number().int().min(1).max(1_048_576).default(100),
        keep: z.number().int().min(0).max(1_000).default(10),
      })
      .optional(),
    webhook: z
      .strictObject({
        url: z.url({ protocol: /^https$/, error: 'a URL that starts with https://' }),
        caFile: z.string().optional(),
        tokenFile: z.string().optional(),
        timeoutSeconds: z.number().min(1).max(300).default(30),
      })
      .optional(),
    nats: z
      .strictObject({
        urlFile: z.string(),
        subject: z.string().regex(/^[^\s*>]+$/, 'a subject without wildcards'),
        acknowledged: z.boolean().default(true),
      })
      .optional(),
  })
  .refine(({ file, webhook, nats }) => [file, webhook, nats].filter((one) => one !== undefined).length === 1, {
    error: 'exactly one of file, webhook and nats says where to',
  });

const Sinks = z
  .strictObject({ sinks: z.array(Sink).max(100) })
  .refine(({ sinks }) => new Set(sinks.map((sink) => sink.name)).size === sinks.length, { error: 'two sinks have the same name' });

/** One sink: what it is called, what it gets, and where that goes. */
export type SinkSettings = z.output<typeof Sink>;

/** The sinks of a file (YAML). Throws Error that names every wrong field. */
export function parseSinks(text: string): readonly SinkSettings[] {
  const read = Sinks.safeParse(parse(text) ?? { sinks: [] });
  if (read.success) return read.data.sinks;
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.')}${path.length === 0 ? '' : ': '}${message}`);
  throw new Error(`the file of sinks is wrong: ${problems.join('; ')}`);
}
