import { z } from 'zod';

const ADDRESS = /^(.+):(\d{1,5})$/;

/** `host:port`, or several with commas. */
const addresses = z
  .string()
  .refine(
    (text) => text.split(',').every((one) => Number(ADDRESS.exec(one)?.[2] ?? Number.NaN) <= 65_535),
    'host:port, or several with commas',
  )
  .transform((text) =>
    text.split(',').map((one) => {
      const [, host = '', port = ''] = ADDRESS.exec(one) ?? [];
      return { host, port: Number(port) };
    }),
  );

/** The environment of the balancer: docs/architecture.md has the table. */
export const BalancerConfig = z
  .object({
    LISTEN: addresses,
    BACKENDS: addresses,
    CA_FILE: z.string().min(1),
    PROBE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .transform((env) => ({
    listen: env.LISTEN,
    backends: env.BACKENDS,
    caFile: env.CA_FILE,
    probePort: env.PROBE_PORT,
    logLevel: env.LOG_LEVEL,
  }));

/** The settings of the balancer, parsed. */
export type BalancerConfig = z.output<typeof BalancerConfig>;
