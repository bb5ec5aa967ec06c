import type { ClientBase, PoolConfig, QueryResultRow } from 'pg';
import { Client, Pool } from 'pg';
import type { MigrationInterface } from 'typeorm';
import { DataSource } from 'typeorm';
import { checkpointEntity, objectEntity, revisionEntity } from './entities.js';

/** Which database, and whose tables in it. */
export interface PostgresOptions {
  readonly url: string;
  /** The cluster's id: clusters that share a database have a schema each. */
  readonly cluster: string;
  /** The classes under `migrations/`, oldest first; run before anything else. */
  readonly migrations: readonly (new () => MigrationInterface)[];
  /** Connections of this process at most; 10 unless set. */
  readonly poolSize?: number;
}

/** The schema of a cluster's tables. */
export const schemaOf = (cluster: string): string => `decklog_${cluster}`;

/** Any number; processes that migrate wait for each other on it. */
const MIGRATION_LOCK = 728_533_001;

/** A client whose host is gone is given up within a quarter of a minute, and what it has locked with it. */
const GONE = '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 -c tcp_user_timeout=15000';

/**
 * What each connection is told: whose tables; that a commit needs no flush, since the log has everything; not to compile short
 * statements; when to give its client up.
 */
const sessionSettings = (schema: string): string => `-c search_path="${schema}" -c synchronous_commit=off -c jit=off ${GONE}`;

/** What statements are run on. */
export type Session = Pick<ClientBase, 'query'>;

/** How long a read waits for a free connection, and a connection for the server, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;

/** Connects to a cluster's projection, creating and migrating its tables where needed. Throws where no server answers. */
export async function connectPostgres({ url, cluster, migrations, poolSize = 10 }: PostgresOptions): Promise<DataSource> {
  return connectSchema(url, schemaOf(cluster), migrations, poolSize);
}

/** `connectPostgres` for a schema by its name. */
export async function connectSchema(
  url: string,
  schema: string,
  migrations: PostgresOptions['migrations'],
  poolSize: number,
): Promise<DataSource> {
  if (!/^[A-Za-z0-9_-]{1,63}$/.test(schema)) throw new RangeError(`a schema can't be called ${JSON.stringify(schema)}`);
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    schema,
    entities: [objectEntity, revisionEntity, checkpointEntity],
    migrations: [...migrations],
    migrationsTableName: 'migration',
    installExtensions: false,
    extra: { options: sessionSettings(schema), max: poolSize, connectionTimeoutMillis: CONNECTION_TIMEOUT } satisfies PoolConfig,
    poolErrorHandler: () => undefined,
  });
  const guard = await openClient(url);
  try {
    await guard.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await guard.query(`create schema if not exists "${schema}"`);
    await dataSource.initialize();
    await dataSource.runMigrations({ transaction: 'all' });
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy();
    throw error;
  } finally {
    await guard.end();
  }
  return dataSource;
}

/** The schema a data source was connected to. */
export function schemaIn(dataSource: DataSource): string {
  const { options } = dataSource;
  if (options.type !== 'postgres' || options.schema === undefined) throw new TypeError('a data source of another kind');
  return options.schema;
}

/** A connection of its own. What breaks it fails its queries; without a listener it would end the process as well. */
export async function openClient(url: string, settings?: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECTION_TIMEOUT,
    keepAlive: true,
    ...(settings === undefined ? {} : { options: settings }),
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** A connection of its own with the settings of the pool's: for what holds a lock, and ends with it. */
export async function openSession(dataSource: DataSource): Promise<Client> {
  const { options } = dataSource;
  if (options.type !== 'postgres' || options.url === undefined) throw new TypeError('a data source of another kind');
  return openClient(options.url, sessionSettings(schemaIn(dataSource)));
}

/** The driver's own pool: named statements are planned once per connection, at a fifth of the cost of a repository's query. */
export function poolOf(dataSource: DataSource): Pool {
  const { master } = dataSource.driver as unknown as { readonly master: unknown };
  if (!(master instanceof Pool)) throw new TypeError('a data source without a pool of connections');
  return master;
}

/** A statement with a name: the same name always stands for the same text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** The rows of a named statement, run on the pool. */
export async function rowsOf<Row extends QueryResultRow>(
  dataSource: DataSource,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  return (await poolOf(dataSource).query<Row>({ ...statement, values: [...values] })).rows;
}
