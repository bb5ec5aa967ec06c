import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { ApiClient } from '#libs/client';
import { ClaimedVolumes } from './claimed-volumes.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'claimed-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A server that has just these objects. */
const serving = (...objects: readonly KubeObject[]): Pick<ApiClient, 'get'> => ({
  get: <T extends KubeObject>({ resource }: GroupVersionResource, namespace: string | undefined, name: string): Promise<T> => {
    const found = objects.find(({ kind, metadata }) => `${kind.toLowerCase()}s` === resource && metadata.name === name);
    return found?.metadata.namespace === namespace && found ? Promise.resolve(found as T) : Promise.reject(new Error(`${name} not found`));
  },
});
const claim = (phase: string, metadata: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'shop', uid: 'u', ...metadata },
    spec: { volumeName: 'v' },
    status: { phase },
  }) as KubeObject;
const volume = (source: object, uid = 'u'): KubeObject =>
  ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { ...source, claimRef: { uid } } }) as KubeObject;
const folderOf = (...objects: readonly KubeObject[]) => new ClaimedVolumes(serving(...objects)).folderOf('shop', 'c');

describe('the volume of a bound claim', () => {
  it('is the folder that it names, made where it may be', async () => {
    expect(await folderOf(claim('Bound'), volume({ local: { path: folder } }))).toBe(folder);
    const made = path.join(folder, 'made');
    expect(await folderOf(claim('Bound'), volume({ hostPath: { path: made } }))).toBe(made);
  });

  it.each([
    ['that is not bound', [claim('Pending')], 'error processing PVC shop/c: PVC is not bound'],
    [
      'that is being deleted',
      [claim('Bound', { deletionTimestamp: '2026-01-01T00:00:00Z' })],
      'error processing PVC shop/c: PVC is being deleted',
    ],
    [
      'whose volume is another’s',
      [claim('Bound'), volume({ local: { path: '/' } }, 'x')],
      'error processing PVC shop/c: PV v is not bound to it',
    ],
    ['whose volume is not of this machine', [claim('Bound'), volume({ nfs: { server: 's', path: '/' } })], 'no volume plugin matched: v'],
    ['whose folder is missing', [claim('Bound'), volume({ local: { path: '/none/here' } })], 'path "/none/here" does not exist'],
    ['that is not there', [], 'c not found'],
  ])('is refused for a claim %s', async (_title, objects, message) => {
    await expect(folderOf(...objects)).rejects.toThrow(message);
  });
});
