import { failingIn, streamsIn } from './ask.js';
import { detailsOf, type ProcessAnswer, type StreamAnswer } from './details.js';
import { samplesIn } from './samples.js';
import { detailText, problemLines, processTable } from './text.js';

const answer = (component: string, text: string, failing: readonly string[] = []): ProcessAnswer => ({
  component,
  failing,
  samples: samplesIn(text, ['decklog_', 'process_']),
});

const METRICS = (owned: number, state: number): string => `# HELP decklog_build_info x
# TYPE decklog_build_info gauge
decklog_build_info{component="replication",version="0.1.0"} 1
decklog_shards_owned{service="replication"} ${owned}
decklog_shards{service="replication"} 64
decklog_cache_position{stream="state"} ${state}
decklog_cache_position{stream="lease"} 7
process_resident_memory_bytes 104857600
nodejs_version_info{version="v22"} 1
`;
const PROJECTOR = `decklog_projection_position{stream="state"} 1190
decklog_projection_lag_events{stream="state"} 10
decklog_projection_lag_seconds{stream="state"} 2.34
`;
const STATE: StreamAnswer = {
  stream: 'state',
  last: 1_200,
  leader: 'nats-2',
  copies: [
    { server: 'nats-1', current: true, lag: 0 },
    { server: 'nats-3', current: false, lag: 1_120 },
  ],
};

describe('a metrics text', () => {
  it('is read sample by sample, what else is in it passed over', () => {
    const text = 'decklog_a{x="say \\"no\\"\\n",y=""} 1.5\n# decklog_a\nother 3\ndecklog_b +Inf\ndecklog_c{broken 1\n';
    expect(samplesIn(text, ['decklog_'])).toEqual([
      { name: 'decklog_a', labels: { x: 'say "no"\n', y: '' }, value: 1.5 },
      { name: 'decklog_b', labels: {}, value: NaN },
    ]);
  });
});

describe('the details of a status', () => {
  const details = detailsOf(
    [
      answer('replication-1', METRICS(40, 1_200)),
      answer('replication-2', `${METRICS(24, 1_150)}decklog_condition{name="log",reason="Unreachable"} 2\n`, ['log']),
      answer('projector-1', PROJECTOR),
      { component: 'apiserver-1', failing: undefined, samples: [] },
    ],
    [STATE],
  );

  it('say of each process whether it works, what is wrong, and how far behind the log it is', () => {
    expect(details.processes).toEqual([
      { component: 'replication-1', ready: true, problems: [], version: 'v0.1.0', memoryBytes: 104857600, behind: 0 },
      { component: 'replication-2', ready: false, problems: ['log (Unreachable)'], version: 'v0.1.0', memoryBytes: 104857600, behind: 50 },
      { component: 'projector-1', ready: true, problems: [] },
      { component: 'apiserver-1', problems: ['does not answer'] },
    ]);
  });

  it('say how shards are spread, and how far the projection is', () => {
    expect(details.services).toEqual([
      {
        service: 'replication',
        shards: 64,
        replicas: [
          { component: 'replication-1', owned: 40 },
          { component: 'replication-2', owned: 24 },
        ],
      },
    ]);
    expect(details.projections).toEqual([{ stream: 'state', by: 'projector-1', position: 1_190, lagEvents: 10, lagSeconds: 2.34 }]);
  });

  it('are shown in columns, with a question mark for what nobody said', () => {
    const components = ['nats', 'replication-1', 'apiserver-1'].map((name) => ({ name, state: 'Running', pid: 7, since: 'T' }));
    expect(processTable(components, details).split('\n')).toEqual([
      'COMPONENT       STATE     READY   VERSION   MEMORY   BEHIND   PID   SINCE',
      'nats            Running   -       -         -        -        7     T',
      'replication-1   Running   yes     v0.1.0    100Mi    0        7     T',
      'apiserver-1     Running   ?       ?         ?        ?        7     T',
    ]);
    expect(problemLines(details)).toEqual(['replication-2: log (Unreachable)', 'apiserver-1: does not answer']);
    expect(detailText(details).join('\n').split('\n')).toEqual([
      '',
      'SERVICE       SHARDS OWNED   BY',
      'replication   64 of 64       replication-1: 40, replication-2: 24',
      '',
      'PROJECTION   POSITION   LAG   FOR    BY',
      'state        1,190      10    2.3s   projector-1',
      '',
      'LOG     LAST    LEADER   COPIES',
      'state   1,200   nats-2   2 of 3 in sync (nats-3: 1,120 behind)',
    ]);
  });

  it('are silent about what is not shared and not known', () => {
    expect(
      detailText(
        detailsOf([answer('control-plane', 'decklog_shards_owned{service="scheduler"} 1\ndecklog_shards{service="scheduler"} 1\n')], []),
      ),
    ).toEqual([]);
  });
});

it('failing checks are read as upstream writes them', () => {
  expect(
    failingIn('[+]ping ok\n[-]log failed: reason withheld\n[!]disk degraded\n[-]scheduler failed: reason withheld\nreadyz check failed\n'),
  ).toEqual(['log', 'scheduler']);
});

it('the streams of a cluster are found in what a monitor says, those of others left out', () => {
  const replicas = [
    { name: 'nats-1', current: true, lag: 0 },
    { name: 'nats-3', current: true, offline: true, lag: 5 },
  ];
  const text = JSON.stringify({
    account_details: [
      {
        stream_detail: [
          { name: 'decklog_abc_state', state: { last_seq: 9 }, cluster: { leader: 'nats-2', replicas } },
          { name: 'decklog_abc_lease', state: { last_seq: 3 }, cluster: { leader: 'nats-1' } },
          { name: 'decklog_other_state', state: { last_seq: 1 } },
          { name: 'KV_decklog_abc_keys' },
        ],
      },
    ],
  });
  expect(streamsIn(text, 'abc')).toEqual([
    {
      stream: 'state',
      last: 9,
      leader: 'nats-2',
      copies: [
        { server: 'nats-1', current: true, lag: 0 },
        { server: 'nats-3', current: false, lag: 5 },
      ],
    },
    { stream: 'lease', last: 3, leader: 'nats-1' },
  ]);
});
