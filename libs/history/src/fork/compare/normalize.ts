import { isJsonObject, type KubeObject } from '#libs/apimachinery';

type Fields = Readonly<Record<string, unknown>>;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** Volumes that admission names by lot. */
const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/;

/** Members that two clusters never share, or that count instead of saying something: wherever they stand. */
const OWN = new Set([
  'uid',
  'resourceVersion',
  'observedGeneration',
  'managedFields',
  'generation',
  'selfLink',
  'podIP',
  'podIPs',
  'hostIP',
  'hostIPs',
  'containerID',
  'imageID',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'pod-template-generation',
  'decklog.dev/runtime',
]);

/** A value without what is each cluster's own. Times are left out: two clocks never agree. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain).filter((item) => item !== undefined);
  if (typeof value === 'string') return TIME.test(value) ? undefined : TOKEN_VOLUME.test(value) ? 'kube-api-access' : value;
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const kept = OWN.has(name) ? undefined : plain(member);
      return kept === undefined ? [] : [[name, kept]];
    }),
  );
}

const fieldsOf = (value: unknown): Fields => (isJsonObject(value) ? value : {});
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

const conditions = (status: Fields): readonly Fields[] =>
  listOf(status['conditions']).map(({ type, status: is, reason }) => ({ type, status: is, ...(reason === undefined ? {} : { reason }) }));

/** What a container is doing, in a word. */
function doing({ name, ready, restartCount, state }: Fields): Fields {
  const [word = '', how] = Object.entries(fieldsOf(state))[0] ?? [];
  const { reason, exitCode } = fieldsOf(how);
  return {
    name,
    ready,
    restartCount,
    state: word,
    ...(reason === undefined ? {} : { reason }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

/** A pod as far as a simulated node says anything of it. */
const podStatus = (status: Fields): Fields => ({
  phase: status['phase'],
  ...(status['reason'] === undefined ? {} : { reason: status['reason'] }),
  conditions: conditions(status),
  containerStatuses: listOf(status['containerStatuses']).map(doing),
});

/** A node as far as it concerns what runs on it. */
const nodeStatus = (status: Fields): Fields => ({
  capacity: status['capacity'],
  allocatable: status['allocatable'],
  conditions: listOf(status['conditions']).map(({ type, status: is }) => ({ type, status: is })),
});

/** Addresses and pods' names are drawn: what counts is how many there are, where, and whether they are ready. */
const endpoint = ({ conditions: is, nodeName, zone }: Fields): Fields => ({
  conditions: is,
  nodeName,
  ...(zone === undefined ? {} : { zone }),
});
const sorted = (list: readonly Fields[]): readonly Fields[] => [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const subset = ({ addresses, notReadyAddresses, ports }: Fields): Fields => ({
  addresses: sorted(listOf(addresses).map(({ nodeName }) => ({ nodeName }))),
  notReadyAddresses: sorted(listOf(notReadyAddresses).map(({ nodeName }) => ({ nodeName }))),
  ports,
});

/** An object as it can be compared with another cluster's: what is drawn, counted, timed or addressed is left out. */
export function normalized(object: KubeObject): Fields {
  const { apiVersion, kind, metadata, ...rest } = plain(object) as Fields & { readonly metadata: Fields };
  const { name: _, creationTimestamp: __, ...described } = metadata;
  const meta = object.metadata.deletionTimestamp === undefined ? described : { ...described, deletionTimestamp: true };
  const { status, ...fields } = rest as Fields;
  const whole = { apiVersion, kind, metadata: meta, ...fields };
  switch (object.kind) {
    case 'Pod':
      return { ...whole, status: podStatus(fieldsOf(status)) };
    case 'Node':
      return { ...whole, status: nodeStatus(fieldsOf(status)) };
    case 'EndpointSlice':
      return { ...whole, endpoints: sorted(listOf(fields['endpoints']).map(endpoint)) };
    case 'Endpoints':
      return { ...whole, subsets: listOf(fields['subsets']).map(subset) };
    default:
      return status === undefined ? whole : { ...whole, status: { ...fieldsOf(status), ...conditionsIn(fieldsOf(status)) } };
  }
}

const conditionsIn = (status: Fields): Fields => (status['conditions'] === undefined ? {} : { conditions: conditions(status) });
