import type { ContainerStatus, Pod } from '#libs/api';
import { failingImages } from './images.js';

const pod = (image: string, state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image }] },
  status: {
    containerStatuses: [
      { name: 'c', image: `docker.io/${image}`, imageID: '', ready: false, restartCount: 0, state, ...more } as ContainerStatus,
    ],
  },
});
const waiting = (reason: string, message?: string) => ({ waiting: { reason, ...(message === undefined ? {} : { message }) } });

describe('images that can not be pulled', () => {
  it.each<[string, readonly Pod[], readonly (readonly [string, string])[]]>([
    [
      'are those that a container waits for, by the name that the spec has',
      [pod('a:1', waiting('ErrImagePull', 'not found'))],
      [['a:1', 'not found']],
    ],
    [
      'are told of by the failure, not by the pause after it',
      [pod('a:1', waiting('ErrImagePull', 'not found')), pod('a:1', waiting('ImagePullBackOff', 'Back-off'))],
      [['a:1', 'not found']],
    ],
    ['are told of by the pause where nothing else is known', [pod('a:1', waiting('ImagePullBackOff', 'Back-off'))], [['a:1', 'Back-off']]],
    ['are none that ran elsewhere: the registry was away', [pod('a:1', waiting('ErrImagePull')), pod('a:1', { running: {} })], []],
    ['are none that ran before', [pod('a:1', waiting('ErrImagePull'), { lastState: { terminated: { exitCode: 1 } } })], []],
    ['are none whose container crashes', [pod('a:1', waiting('CrashLoopBackOff'))], []],
  ])('%s', (_rule, pods, wanted) => {
    expect([...failingImages(pods)]).toEqual(wanted);
  });
});
