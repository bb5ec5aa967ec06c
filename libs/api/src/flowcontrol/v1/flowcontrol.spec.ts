import type { KubeObject } from '#libs/apimachinery';
import { decode, definitionByKind, MANDATORY_LEVELS, MANDATORY_SCHEMAS, SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from '../../index.js';

const APIVERSION = 'flowcontrol.apiserver.k8s.io/v1';

function made(kind: string, name: string, spec: object): { readonly object: KubeObject; readonly problems: readonly string[] } {
  const definition = definitionByKind(APIVERSION, kind);
  if (!definition) throw new Error(`no ${kind}`);
  const { model, strategy } = definition;
  const object = strategy.defaults(decode(model, { apiVersion: APIVERSION, kind, metadata: { name }, spec }, { strict: true }).object);
  return { object, problems: strategy.validate(object).map(({ field, message }) => `${field}: ${message}`) };
}
const level = (spec: object, name = 'a') => made('PriorityLevelConfiguration', name, spec);
const schema = (spec: object, name = 'a') => made('FlowSchema', name, spec);

const rules = [
  {
    subjects: [{ kind: 'User', user: { name: 'u' } }],
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
  },
];
const to = { priorityLevelConfiguration: { name: 'global-default' } };
const limited = (limitResponse: object) => ({ type: 'Limited', limited: { limitResponse } });

describe('priority and fairness', () => {
  it('starts with objects that its own rules accept, unchanged by defaults', () => {
    for (const object of [...MANDATORY_LEVELS, ...MANDATORY_SCHEMAS, ...SUGGESTED_LEVELS, ...SUGGESTED_SCHEMAS]) {
      const { problems, object: defaulted } = made(object.kind, object.metadata.name ?? '', object.spec ?? {});
      expect(problems).toEqual([]);
      expect((defaulted as { spec?: unknown }).spec).toEqual(object.spec);
    }
  });

  it('gives levels and schemas what they leave out', () => {
    expect(level(limited({ type: 'Queue' })).object).toMatchObject({
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    });
    expect(schema({ ...to, rules }).object).toMatchObject({ spec: { matchingPrecedence: 1000 } });
  });

  it.each<[string, object, readonly string[]]>([
    ['an unknown type', { type: 'Free' }, ['spec.type: Unsupported value: "Free": supported values: "Exempt", "Limited"']],
    ['no limits', { type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    [
      'the type of the exempt level',
      { type: 'Exempt' },
      ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"],
    ],
    [
      'a hand larger than the deck',
      limited({ type: 'Queue', queuing: { queues: 4, handSize: 8 } }),
      ['spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)'],
    ],
    [
      'a hand that needs too many bits',
      limited({ type: 'Queue', queuing: { queues: 512, handSize: 8 } }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60',
      ],
    ],
    [
      'queues where it rejects',
      limited({ type: 'Reject', queuing: {} }),
      ['spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited'],
    ],
  ])('a level with %s is refused', (_, spec, problems) => {
    expect(level(spec).problems).toEqual(problems);
  });

  it.each<[string, object, readonly string[]]>([
    [
      'no level',
      { priorityLevelConfiguration: { name: '' }, rules },
      ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ],
    [
      'the precedence of administrators',
      { ...to, rules, matchingPrecedence: 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      'a rule for nobody about nothing',
      { ...to, rules: [{ subjects: [] }] },
      [
        'spec.rules[0].subjects: Required value: subjects must contain at least one value',
        'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
      ],
    ],
    [
      'a subject of two kinds',
      { ...to, rules: [{ ...rules[0], subjects: [{ kind: 'Group', group: { name: 'g' }, user: { name: 'u' } }] }] },
      ["spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'"],
    ],
    [
      'a path without a slash',
      { ...to, rules: [{ ...rules[0], resourceRules: [], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['healthz'] }] }] },
      ['spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "healthz": must start with slash'],
    ],
  ])('a schema with %s is refused', (_, spec, problems) => {
    expect(schema(spec).problems).toEqual(problems);
  });

  it('keeps the levels and schemas that every cluster has as they are', () => {
    expect(schema({ ...to, rules, matchingPrecedence: 1 }, 'exempt').problems[0]).toMatch(/spec of 'exempt' must equal the fixed value$/);
    expect(level({ type: 'Exempt', exempt: { nominalConcurrencyShares: 5 } }, 'exempt').problems).toEqual([]);
    expect(level(limited({ type: 'Queue' }), 'catch-all').problems[0]).toMatch(/spec of 'catch-all' must equal the fixed value$/);
  });
});
