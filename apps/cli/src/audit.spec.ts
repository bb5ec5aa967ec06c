import type { AuditEntry } from '#libs/log';
import { auditLine, wantedEntry } from './audit.js';

const entry: AuditEntry = {
  kind: 'secret',
  time: Date.parse('2026-01-02T03:04:05.006Z'),
  id: 'a',
  user: 'jane',
  impersonator: 'admin',
  source: '10.0.0.1',
  verb: 'get',
  group: '',
  resource: 'secrets',
  namespace: 'default',
  name: 'db',
  code: 200,
  latencyMs: 3,
};

describe('decklog audit', () => {
  it.each<[Partial<AuditEntry>, string]>([
    [{}, '2026-01-02T03:04:05.006Z  secret  jane (by admin)  get default:secrets/db  200  10.0.0.1'],
    [
      { kind: 'annotated', verb: 'create', code: 201, event: 'state:42', annotations: { 'policy/why': 'so\nso' } },
      '2026-01-02T03:04:05.006Z  annotated  jane (by admin)  create default:secrets/db  201  10.0.0.1  state:42  policy/why=so?so',
    ],
  ])('prints an entry as a line %#', (more, line) => {
    expect(auditLine({ ...entry, ...more })).toBe(line);
  });

  it('prints what stands for many, what is only beginning, and nobody', () => {
    const { impersonator: _, code: __, namespace: ___, name: ____, ...rest } = entry;
    expect(auditLine({ ...rest, kind: 'connect', resource: 'pods', subresource: 'exec', verb: 'create' })).toBe(
      '2026-01-02T03:04:05.006Z  connect  jane  create pods/exec  began  10.0.0.1',
    );
    expect(auditLine({ ...rest, kind: 'denied', user: '', code: 401, reason: 'Unauthorized', count: 12 })).toBe(
      '2026-01-02T03:04:05.006Z  denied  -  get secrets  401 Unauthorized  10.0.0.1  (12 alike)',
    );
  });

  it('lets nobody steer the terminal', () => {
    expect(auditLine({ ...entry, user: 'x\u001b[2Jy' })).not.toContain('\u001b');
  });

  it.each([
    [{}, true],
    [{ user: 'jane' }, true],
    [{ user: 'admin' }, true],
    [{ user: 'joe' }, false],
    [{ resource: 'pods' }, false],
    [{ namespace: 'default', kind: 'secret' }, true],
    [{ since: entry.time + 1 }, false],
  ])('of %j wants the entry: %s', (query, wanted) => {
    expect(wantedEntry(entry, { follow: false, ...query })).toBe(wanted);
  });
});
