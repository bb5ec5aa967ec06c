import {
  FLOWSCHEMAS,
  MANDATORY_SCHEMAS,
  PRIORITYLEVELCONFIGURATIONS,
  SUGGESTED_LEVELS,
  type FlowSchema,
  type PriorityLevelConfiguration,
} from '#libs/api';
import { flowSchemaStatus } from './dangling.js';
import { flowControlDefaults } from './defaults.js';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const catchAll = MANDATORY_SCHEMAS[1] as FlowSchema;
const system = SUGGESTED_LEVELS[0] as PriorityLevelConfiguration;
const changed = { ...system, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1 } } };
const edited = { ...changed, metadata: { ...system.metadata, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } } };

describe('flow schemas and levels of the defaults', () => {
  const level = { resource: PRIORITYLEVELCONFIGURATIONS, wanted: system, mandatory: false };
  it.each([
    ['made where they are missing', { ...level, found: undefined }, ['create']],
    ['left where they are right', { ...level, found: system }, []],
    ['brought back where they are the server’s to keep', { ...level, found: changed }, ['update']],
    ['left where somebody has taken them over', { ...level, found: edited }, []],
    [
      'brought back whoever took them over, where every cluster must have them',
      {
        resource: FLOWSCHEMAS,
        wanted: catchAll,
        mandatory: true,
        found: { ...catchAll, metadata: edited.metadata, spec: undefined } as never,
      },
      ['update'],
    ],
  ])('are %s', (_, snapshot, verbs) => {
    expect(flowControlDefaults.reconcile(snapshot, NOW).changes.map(({ verb }) => verb)).toEqual(verbs);
  });
});

describe('a flow schema', () => {
  it.each([
    [true, 'False', 'Found', 'and it exists'],
    [false, 'True', 'NotFound', 'but there is no such object'],
  ])('says whether its level is there: %s', (found, status, reason, end) => {
    const { changes } = flowSchemaStatus.reconcile({ schema: catchAll, found }, NOW);
    const message = `This FlowSchema references the PriorityLevelConfiguration object named "catch-all" ${end}`;
    const condition = { type: 'Dangling', status, reason, message, lastTransitionTime: '2026-01-02T03:04:05Z' };
    expect(changes).toMatchObject([{ subresource: 'status', object: { status: { conditions: [condition] } } }]);
    const schema = { ...catchAll, status: { conditions: [condition] } };
    expect(flowSchemaStatus.reconcile({ schema, found }, NOW + 1).changes).toEqual([]);
  });
});
