import { z } from 'zod';
import { SHARDS } from '#libs/runtime';

const port = z.coerce.number().int().min(0).max(65_535);
const cidr = z.string().regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/, 'an IPv4 range such as 10.96.0.0/16');

const areLogUrls = (text: string): boolean =>
  text.split(',').every((one) => URL.canParse(one) && /^(nats|tls):$/.test(new URL(one).protocol));

/** `host:port` or several with commas. */
function addressesOf(text: string, context: z.RefinementCtx): readonly { readonly host: string; readonly port: number }[] {
  return text.split(',').flatMap((one) => {
    const [, host, digits] = /^(.+):(\d{1,5})$/.exec(one) ?? [];
    if (host !== undefined && Number(digits) <= 65_535) return [{ host, port: Number(digits) }];
    context.addIssue({ code: 'custom', message: 'host:port, or several with commas' });
    return [];
  });
}

/** Headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value,name=value`, values percent-encoded. */
const tracesOf = (env: {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
}): { readonly endpoint: string; readonly headers: Readonly<Record<string, string>>; readonly ratio: number } => ({
  endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT ?? '',
  headers: Object.fromEntries(
    (env.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at <= 0 ? [] : [[pair.slice(0, at).trim().toLowerCase(), decodeURIComponent(pair.slice(at + 1).trim())] as const];
    }),
  ),
  ratio: env.OTEL_TRACES_SAMPLER_ARG,
});

/** The environment every app of the control plane reads: docs/architecture.md has the table. */
export const ControlPlaneConfig = z
  .object({
    CLUSTER: z.string().regex(/^[A-Za-z0-9-]+$/, 'letters, digits and dashes'),
    NATS_URL: z.string().refine(areLogUrls, 'one URL of nats:// or tls://, or several with commas'),
    LOG_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
    POSTGRES_URL: z.url({ protocol: /^postgres(ql)?$/ }),
    PKI_DIR: z.string().min(1),
    SEALING_KEY_FILE: z.string().min(1),
    SERVICE_CIDR: cidr.default('10.96.0.0/16'),
    NODE_PORTS: z
      .string()
      .regex(/^\d+-\d+$/, 'a range such as 30000-32767')
      .default('30000-32767'),
    CLUSTER_DOMAIN: z.string().min(1).default('cluster.local'),
    ADVERTISE_ADDRESS: z.ipv4().default('127.0.0.1'),
    API_PORT: port.default(6443),
    API_LISTEN: z.string().transform(addressesOf).optional(),
    PROBE_PORT: port.default(0),
    TOKEN_AUTH_FILE: z.string().min(1).optional(),
    AUTHENTICATION_CONFIG: z.string().min(1).optional(),
    AUDIT_MAX_MIB: z.coerce.number().int().min(1).max(1_048_576).default(256),
    AUDIT_MAX_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
    DESCRIPTIONS_FILE: z.string().min(1).optional(),
    SECRET_KEY_GRACE_HOURS: z.coerce.number().min(0).max(876_000).default(168),
    COMPACTION_HORIZON_MINUTES: z.coerce.number().min(0.1).max(525_600).default(10),
    EVENT_AGE_DAYS: z.coerce.number().min(0.01).max(36_500).default(30),
    READS_FROM: z.enum(['cache', 'projection']).default('cache'),
    SCHEDULER_PROFILE: z.enum(['spreading', 'bin-packing']).default('spreading'),
    CHECKPOINT_FILE: z.string().min(1).optional(),
    SINKS_FILE: z.string().min(1).optional(),
    SIMULATION_FILE: z.string().min(1).optional(),
    CLOCK_FILE: z.string().min(1).optional(),
    REPLICA: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, 'letters, digits and dashes')
      .optional(),
    SHARDS: z.coerce.number().int().min(1).max(1_024).default(SHARDS),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
    OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .transform((env) => ({
    cluster: env.CLUSTER,
    natsUrl: env.NATS_URL,
    logReplicas: env.LOG_REPLICAS,
    postgresUrl: env.POSTGRES_URL,
    pkiDir: env.PKI_DIR,
    sealingKeyFile: env.SEALING_KEY_FILE,
    serviceCidr: env.SERVICE_CIDR,
    nodePorts: env.NODE_PORTS.split('-').map(Number) as [number, number],
    clusterDomain: env.CLUSTER_DOMAIN,
    advertiseAddress: env.ADVERTISE_ADDRESS,
    apiPort: env.API_PORT,
    apiListen: env.API_LISTEN,
    probePort: env.PROBE_PORT,
    tokenAuthFile: env.TOKEN_AUTH_FILE,
    authenticationConfig: env.AUTHENTICATION_CONFIG,
    auditMaxMiB: env.AUDIT_MAX_MIB,
    auditMaxDays: env.AUDIT_MAX_DAYS,
    descriptionsFile: env.DESCRIPTIONS_FILE,
    secretKeyGraceHours: env.SECRET_KEY_GRACE_HOURS,
    compactionHorizonMinutes: env.COMPACTION_HORIZON_MINUTES,
    eventAgeDays: env.EVENT_AGE_DAYS,
    readsFrom: env.READS_FROM,
    schedulerProfile: env.SCHEDULER_PROFILE,
    checkpointFile: env.CHECKPOINT_FILE,
    sinksFile: env.SINKS_FILE,
    simulationFile: env.SIMULATION_FILE,
    clockFile: env.CLOCK_FILE,
    replica: env.REPLICA,
    shards: env.SHARDS,
    traces: env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? undefined : tracesOf(env),
    logLevel: env.LOG_LEVEL,
  }));

/** The settings of a control plane process, parsed. */
export type ControlPlaneConfig = z.output<typeof ControlPlaneConfig>;
