import { forkSettings } from './settings.js';

describe('settings of a fork', () => {
  it.each<[readonly string[], unknown]>([
    [[], {}],
    [['scheduler.profile=bin-packing'], { schedulerProfile: 'bin-packing' }],
    [['scheduler.profile=spreading', 'scheduler.profile=bin-packing'], { schedulerProfile: 'bin-packing' }],
    [['scheduler.profile=fastest'], { problem: `scheduler.profile can't be "fastest": it is one of spreading, bin-packing` }],
    [['kubelet.speed=9'], { problem: '"kubelet.speed" is no setting of a fork: there is scheduler.profile=spreading|bin-packing' }],
    [['scheduler.profile'], { problem: `scheduler.profile can't be "": it is one of spreading, bin-packing` }],
  ])('%j', (texts, wanted) => {
    expect(forkSettings(texts)).toEqual(wanted);
  });
});
