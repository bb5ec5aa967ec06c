import { inheritedSettings } from './settings.js';

describe('what a process inherits of the environment', () => {
  it.each([
    ['what every program needs', { PATH: '/bin', HOME: '/home/a', EDITOR: 'vi' }, { PATH: '/bin', HOME: '/home/a' }],
    ['a level of logging that there is', { LOG_LEVEL: 'debug' }, { LOG_LEVEL: 'debug' }],
    ['no other level', { LOG_LEVEL: 'loud' }, {}],
    ['whence reads are answered', { READS_FROM: 'projection' }, { READS_FROM: 'projection' }],
    ['amounts', { COMPACTION_HORIZON_MINUTES: '0.5', AUDIT_MAX_MIB: '64' }, { COMPACTION_HORIZON_MINUTES: '0.5', AUDIT_MAX_MIB: '64' }],
    ['no amount that is none', { SECRET_KEY_GRACE_HOURS: 'long' }, {}],
    ['nothing that settles what the cluster is', { CLUSTER: 'other', API_PORT: '1' }, {}],
  ])('is %s', (_, environment, inherited) => {
    expect(inheritedSettings(environment)).toEqual(inherited);
  });
});
