import { userHeaders } from './backend.js';

describe('a user in the headers of a front proxy', () => {
  it.each([
    ['with a name alone', { name: 'ann', groups: [] }, { 'x-remote-user': 'ann' }],
    [
      'with groups and a uid',
      { name: 'ann', uid: '7', groups: ['a', 'b'] },
      { 'x-remote-user': 'ann', 'x-remote-uid': '7', 'x-remote-group': ['a', 'b'] },
    ],
    [
      'with more, whose keys are escaped as a header needs it',
      { name: 'ann', groups: [], extra: { 'acme.com/Project': ['x', 'y'], ü: ['z'] } },
      { 'x-remote-user': 'ann', 'x-remote-extra-acme.com%2Fproject': ['x', 'y'], 'x-remote-extra-%C3%BC': ['z'] },
    ],
  ])('%s', (_, user, wanted) => {
    expect(userHeaders(user)).toEqual(wanted);
  });
});
