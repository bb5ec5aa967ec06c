import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod, Taint } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { reconcileDaemonSet, refuseDaemonSet, type DaemonSetSnapshot } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const READY = '2026-01-01T00:00:00Z';
const LABELS = { app: 'agent' };

const template = (image: string, spec: object = {}): object => ({
  metadata: { labels: LABELS },
  spec: { containers: [{ name: 'c', image }], ...spec },
});
const revision = (hash: string, image: string, number: number): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name: `agent-${hash}`, namespace: 'default', labels: { ...LABELS, 'controller-revision-hash': hash } },
  data: { spec: { template: { ...template(image), $patch: 'replace' } } },
  revision: number,
});
const OLD = revision('old', 'agent:1', 1);
const NEW = revision('new', 'agent:2', 2);

const daemonSet = (spec: object = {}, metadata: object = {}): DaemonSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: 'agent',
      namespace: 'default',
      uid: 'ds',
      generation: 1,
      annotations: { 'deprecated.daemonset.template.generation': '4' },
      ...metadata,
    },
    spec: {
      selector: { matchLabels: LABELS },
      template: template('agent:2'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...spec,
    },
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }) as DaemonSet;

const node = (name: string, more: { readonly taints?: readonly Taint[]; readonly labels?: Record<string, string> } = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, ...(more.labels ? { labels: more.labels } : {}) },
  spec: more.taints ? { taints: more.taints } : {},
});
const taint = (key: string, effect: string): Taint => ({ key, effect });
const THREE = ['n1', 'n2', 'n3'].map((name) => node(name));

interface PodWish {
  readonly hash?: string;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly deleted?: boolean;
  readonly created?: string;
  readonly placed?: boolean;
}

const pod = (name: string, on: string, wish: PodWish = {}): Pod => {
  const { hash = 'new', ready = true, phase = 'Running', deleted, created = READY, placed = true } = wish;
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [on] }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: { ...LABELS, 'controller-revision-hash': hash },
      creationTimestamp: created,
      ...(deleted ? { deletionTimestamp: READY } : {}),
    },
    spec: {
      containers: [],
      ...(placed ? { nodeName: on } : {}),
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } },
    },
    status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: READY }] },
  };
};

const snapshot = (
  what: DaemonSet,
  given: Partial<DaemonSetSnapshot> & { readonly revisions?: readonly ControllerRevision[] },
): DaemonSetSnapshot => {
  const { revisions = [NEW], ...rest } = given;
  return {
    daemonSet: what,
    nodes: THREE,
    owned: [],
    orphans: [],
    orphanRevisions: [],
    history: { revisions, named: (name) => revisions.find(({ metadata }) => metadata.name === name) },
    ...rest,
  };
};
const reconcile = (what: DaemonSet, given: Parameters<typeof snapshot>[1]): ReconcileResult =>
  reconcileDaemonSet(snapshot(what, given), NOW);

const placeOf = (object: Pod): string =>
  object.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]
    ?.values?.[0] ?? '';

const acts = ({ changes }: ReconcileResult): readonly string[] =>
  changes
    .filter((change) => change.resource.resource !== 'events' && !(change.verb === 'update' && change.subresource))
    .map((change) => {
      if (change.verb === 'delete') return `delete ${change.name}`;
      const isPod = change.resource.resource === 'pods' && change.verb === 'create';
      return isPod ? `create on ${placeOf(change.object as Pod)}` : `${change.verb} ${change.object.metadata.name ?? ''}`;
    });
const statusIn = ({ changes }: ReconcileResult): DaemonSetStatus | undefined =>
  changes.flatMap((change) => (change.verb === 'update' && change.subresource ? [(change.object as DaemonSet).status] : []))[0];
const toldIn = ({ changes }: ReconcileResult): readonly string[] =>
  changes.flatMap((change) =>
    change.verb === 'create' && change.resource.resource === 'events' ? [(change.object as unknown as { reason: string }).reason] : [],
  );

describe('a DaemonSet', () => {
  it.each<[string, DaemonSet, Parameters<typeof snapshot>[1], readonly string[]]>([
    ['puts a pod on every node', daemonSet(), {}, ['create on n1', 'create on n2', 'create on n3']],
    [
      'makes none where one is, or is meant to be',
      daemonSet(),
      { owned: [pod('a', 'n1'), pod('b', 'n2', { placed: false }), pod('c', 'n3', { deleted: true })] },
      [],
    ],
    [
      'only on nodes that its template selects',
      daemonSet({ template: template('agent:2', { nodeSelector: { disk: 'ssd' } }) }),
      { nodes: [node('n1'), node('n2', { labels: { disk: 'ssd' } })], revisions: [] },
      ['create agent-', 'create on n2'],
    ],
    ['not on a node that repels it', daemonSet(), { nodes: [node('n1', { taints: [taint('db', 'NoSchedule')] })] }, []],
    [
      'on a node that is cordoned, under pressure or not ready',
      daemonSet(),
      {
        nodes: [
          node('n1', {
            taints: [
              taint('node.kubernetes.io/unschedulable', 'NoSchedule'),
              taint('node.kubernetes.io/memory-pressure', 'NoSchedule'),
              taint('node.kubernetes.io/not-ready', 'NoExecute'),
            ],
          }),
        ],
      },
      ['create on n1'],
    ],
    [
      'leaves one where it would not be put',
      daemonSet(),
      { nodes: [node('n1', { taints: [taint('db', 'NoSchedule')] })], owned: [pod('a', 'n1')] },
      [],
    ],
    [
      'takes one away that may not stay',
      daemonSet(),
      { nodes: [node('n1', { taints: [taint('db', 'NoExecute')] })], owned: [pod('a', 'n1')] },
      ['delete a'],
    ],
    [
      'keeps the oldest of two',
      daemonSet(),
      { nodes: [node('n1')], owned: [pod('a', 'n1', { created: '2026-01-01T00:30:00Z' }), pod('b', 'n1')] },
      ['delete a'],
    ],
    ['takes away one that failed', daemonSet(), { nodes: [node('n1')], owned: [pod('a', 'n1', { phase: 'Failed' })] }, ['delete a']],
    ['takes away one that ended', daemonSet(), { nodes: [node('n1')], owned: [pod('a', 'n1', { phase: 'Succeeded' })] }, ['delete a']],
    [
      'takes away one that waits for a node that is gone',
      daemonSet(),
      { nodes: [], owned: [pod('a', 'n9', { placed: false }), pod('b', 'n8')] },
      ['delete a'],
    ],
    ['does nothing while it is being deleted', daemonSet({}, { deletionTimestamp: READY }), {}, []],
    [
      'adopts pods and revisions that it selects and nobody controls',
      daemonSet(),
      { orphans: [pod('a', 'n1')], orphanRevisions: [OLD] },
      ['update a', 'update agent-old'],
    ],
  ])('%s', (_rule, what, given, expected) => {
    expect(acts(reconcile(what, given)).map((text) => text.replace(/^create agent-.*/, 'create agent-'))).toEqual(expected);
  });

  it('tells the scheduler which node, and puts up with what comes over it', () => {
    const [create] = reconcile(daemonSet(), { nodes: [node('n1')] }).changes;
    expect(create).toMatchObject({
      object: {
        metadata: {
          generateName: 'agent-',
          labels: { app: 'agent', 'controller-revision-hash': 'new', 'pod-template-generation': '4' },
          ownerReferences: [{ uid: 'ds', controller: true }],
        },
        spec: {
          tolerations: [
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
            { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
            { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
            { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
            { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
            { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
          ],
        },
      },
    });
  });

  it('waits a second before it replaces one that failed at once', () => {
    const result = reconcile(daemonSet(), {
      nodes: [node('n1')],
      owned: [pod('a', 'n1', { phase: 'Failed', created: '2026-01-01T01:00:00Z' })],
    });
    expect(acts(result)).toEqual([]);
    expect(result.requeueAfterMs).toBe(1000);
    expect(toldIn(reconcile(daemonSet(), { nodes: [node('n1')], owned: [pod('a', 'n1', { phase: 'Failed' })] }))).toEqual([
      'FailedDaemonPod',
      'SuccessfulDelete',
    ]);
  });

  it('counts nodes', () => {
    const nodes = [...THREE, node('n4', { taints: [taint('db', 'NoSchedule')] })];
    const owned = [pod('a', 'n1'), pod('b', 'n2', { ready: false }), pod('d', 'n4')];
    expect(statusIn(reconcile(daemonSet(), { nodes, owned }))).toEqual({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 2,
      numberMisscheduled: 1,
      numberReady: 1,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberUnavailable: 2,
      observedGeneration: 1,
    });
  });

  it('says that a pod can not be made', () => {
    const change: Change = { verb: 'create', resource: { group: '', version: 'v1', resource: 'pods' }, object: pod('a', 'n1') };
    expect(refuseDaemonSet(snapshot(daemonSet(), {}), [{ change, reason: 'Forbidden', message: 'no' }], NOW)).toMatchObject([
      { object: { reason: 'FailedCreate', message: 'Error creating: no', type: 'Warning' } },
    ]);
  });
});

describe('a DaemonSet rolls over to a new template', () => {
  const old = (...wishes: readonly PodWish[]): readonly Pod[] =>
    ['n1', 'n2', 'n3'].map((on, index) => pod(`p${index + 1}`, on, { hash: 'old', ...wishes[index] }));
  const revisions = [OLD, NEW];
  const strategy = (rolling: object): object => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: rolling } });

  it.each<[string, DaemonSet, readonly Pod[], readonly string[]]>([
    ['one node after the other', daemonSet(), old(), ['delete p1']],
    ['as many at a time as may be missing', daemonSet(strategy({ maxUnavailable: '50%' })), old(), ['delete p1', 'delete p2']],
    ['and waits for those that are missing', daemonSet(), old({ hash: 'new', ready: false }), []],
    ['first where a pod does not run anyway', daemonSet(), old({}, { ready: false }), ['delete p2', 'delete p1']],
    ['only where pods are deleted, if it is told so', daemonSet({ updateStrategy: { type: 'OnDelete' } }), old(), []],
    ['with a second pod beside the first, if it may', daemonSet(strategy({ maxSurge: 1, maxUnavailable: 0 })), old(), ['create on n1']],
    ['and waits for that', daemonSet(strategy({ maxSurge: 1, maxUnavailable: 0 })), [...old(), pod('x', 'n1', { ready: false })], []],
    [
      'and takes the first away when the second is available',
      daemonSet(strategy({ maxSurge: 1, maxUnavailable: 0 })),
      [...old(), pod('x', 'n1')],
      ['delete p1'],
    ],
  ])('%s', (_rule, what, owned, expected) => {
    expect(acts(reconcile(what, { owned, revisions }))).toEqual(expected);
  });

  it('back to one it had, which becomes the newest', () => {
    const result = reconcile(daemonSet({ template: template('agent:1') }), { owned: old(), revisions });
    expect(acts(result)).toEqual(['update agent-old']);
    expect(result.changes[0]).toMatchObject({ object: { revision: 3 } });
  });

  it('and forgets the oldest that nothing uses', () => {
    const many = [1, 2, 3].map((number) => revision(`r${number}`, `x:${number}`, number));
    const newest = revision('new', 'agent:2', 4);
    const owned = ['n1', 'n2', 'n3'].map((on) => pod(`p-${on}`, on));
    expect(acts(reconcile(daemonSet({ revisionHistoryLimit: 1 }), { owned, revisions: [...many, newest] }))).toEqual([
      'delete agent-r1',
      'delete agent-r2',
    ]);
  });
});
