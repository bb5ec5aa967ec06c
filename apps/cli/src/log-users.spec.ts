import { publishable } from '#libs/log';

import { logUsersText, passwordVariable } from './log-users.js';

describe('the users of a log’s server of one’s own', () => {
  it('have their passwords in its environment, and each its rights', () => {
    const text = logUsersText('prod', false);
    expect(text).toContain('user: "decklog-replication", password: $DECKLOG_REPLICATION_PASSWORD');
    expect(text).toContain(`publish: ${JSON.stringify(publishable('prod', 'replication'))}`);
    expect(text).not.toMatch(/STREAM\.(PURGE|DELETE|RESTORE)\.decklog/);
  });

  it('are joined by the restorer only where he is asked for', () => {
    expect(logUsersText('prod', true)).toContain(`publish: ${JSON.stringify(publishable('prod', 'restorer'))}`);
  });

  it('are named in variables as shells have them', () => {
    expect(passwordVariable('decklog-apiserver')).toBe('DECKLOG_APISERVER_PASSWORD');
  });
});
