import type { Controller } from '#libs/apimachinery';
import { rootCaController } from '#libs/controllers';
import { aNamespace, startCustomResources, type CustomResources } from '#libs/testing';

const MERGE = 'application/merge-patch+json';
const PEM = '-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n';
const AT = '/api/v1/namespaces/rooted/configmaps/kube-root-ca.crt';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ controllers: [rootCaController(PEM) as unknown as Controller] });
});
afterAll(() => cluster.close());

const published = async (): Promise<unknown> => (await cluster.ask(AT)).json()['data'];
const isPublished = (): Promise<void> => cluster.until(async () => (await published()) !== undefined);

describe('the root certificate', () => {
  it('is in every new namespace, and there again once somebody deletes or changes it', async () => {
    await cluster.post('/api/v1/namespaces', aNamespace('rooted'));
    await isPublished();
    expect(await published()).toEqual({ 'ca.crt': PEM });
    const { uid } = (await cluster.ask(AT)).json<{ metadata: { uid: string } }>().metadata;
    await cluster.send('DELETE', AT, undefined);
    await isPublished();
    expect((await cluster.ask(AT)).json<{ metadata: { uid: string } }>().metadata.uid).not.toBe(uid);
    const changed = await cluster.send('PATCH', AT, { data: { 'ca.crt': null, other: 'data' } }, MERGE);
    expect(changed.json()['data']).toEqual({ other: 'data' });
    await cluster.until(async () => (await cluster.ask(AT)).text.includes('BEGIN CERTIFICATE'));
    expect(await published()).toEqual({ 'ca.crt': PEM });
  });
});
