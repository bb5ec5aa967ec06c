import type { z } from 'zod';

/** The settings in `env` as the schema has them. Throws one error that names every wrong variable, and no value. */
export function loadConfig<Schema extends z.ZodType>(schema: Schema, env: Readonly<Record<string, string | undefined>>): z.output<Schema> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the environment does not fit:\n${wrong.join('\n')}`);
}
