import { MIGRATIONS } from '#migrations';
import { Client } from 'pg';
import { startPostgres, type TestServer } from '#libs/testing';
import { connectPostgres, schemaOf } from './data-source.js';
import { prune } from './projector.js';

describe('what a projection forgets of a stream that forgets', () => {
  let server: TestServer;
  let client: Client;
  const revision = (sequence: number, name: string, type: string, age: string) =>
    client.query(
      `insert into revision (stream, sequence, api_group, resource, namespace, name, uid, type, time, meta, encoding, body)
       values ('lease', $1, 'coordination.k8s.io', 'leases', 'n', $2, 'u', $3, now() - $4::interval, '{}', 'json', '{}')`,
      [sequence, name, type, age],
    );
  const object = (sequence: number, name: string, deleted: boolean) =>
    client.query(
      `insert into object (api_group, resource, namespace, name, stream, sequence, uid, deleted, encoding, body)
       values ('coordination.k8s.io', 'leases', 'n', $1, 'lease', $2, 'u', $3, 'json', '{}')`,
      [name, sequence, deleted],
    );

  beforeAll(async () => {
    server = await startPostgres();
    const options = { url: server.url, cluster: 'prune', migrations: MIGRATIONS };
    await (await connectPostgres(options)).destroy();
    client = new Client({ connectionString: server.url, options: `-c search_path="${schemaOf('prune')}"` });
    await client.connect();
  }, 60_000);
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  it('is what was replaced or deleted long ago, but never what an object stands at', async () => {
    await revision(1, 'idle', 'Created', '1 hour');
    await object(1, 'idle', false);
    await revision(2, 'busy', 'Created', '1 hour');
    await revision(3, 'busy', 'Updated', '30 minutes');
    await revision(4, 'busy', 'Updated', '1 minute');
    await object(4, 'busy', false);
    await revision(5, 'gone', 'Created', '1 hour');
    await revision(6, 'gone', 'Deleted', '1 hour');
    await object(6, 'gone', true);
    await revision(7, 'leaving', 'Deleted', '1 minute');
    await object(7, 'leaving', true);
    await prune(client, 'lease', '10 minutes');
    const left = await client.query<{ sequence: string }>('select sequence from revision order by sequence');
    expect(left.rows.map(({ sequence }) => Number(sequence))).toEqual([1, 4, 7]);
    const objects = await client.query<{ name: string }>('select name from object order by name');
    expect(objects.rows.map(({ name }) => name)).toEqual(['busy', 'idle', 'leaving']);
  });
});
