import { column, kindOf, NAME, type ComponentStatus } from '#libs/api';
import { EVERYTHING, notFound, parseLabelSelector } from '#libs/apimachinery';
import type { EventLog } from '#libs/log';
import type { HistoryReader, World } from '#libs/runtime';
import type { Call } from '../call.js';
import { negotiate } from '../encoding/negotiate.js';
import { sendObject, warn } from '../encoding/respond.js';
import { ServedResource } from '../served-resource.js';
import { includeObjectOf, partialObject, partialObjectList, tableOf } from '../encoding/table.js';

const COMPONENTSTATUSES = { group: '', version: 'v1', resource: 'componentstatuses' };
const DEPRECATED = 'v1 ComponentStatus is deprecated in v1.19+';
/** How long a component is waited for before it counts as unhealthy. */
const PATIENCE_MS = 2_000;

const healthy = ({ conditions = [] }: ComponentStatus) => conditions.find(({ type }) => type === 'Healthy');
const WORDS: Readonly<Record<string, string>> = { True: 'Healthy', False: 'Unhealthy' };

/** `componentstatuses`: what the server stands on, looked at when asked. */
export const COMPONENT_STATUSES = kindOf<ComponentStatus>(COMPONENTSTATUSES, 'ComponentStatus', {
  scope: 'Cluster',
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  columns: [
    NAME,
    column('Status', (object) => WORDS[healthy(object)?.status ?? ''] ?? 'Unknown'),
    column('Message', (object) => healthy(object)?.message ?? ''),
    column('Error', (object) => healthy(object)?.error ?? ''),
  ],
});

/** What is looked at. */
export interface ComponentSources {
  readonly log: EventLog;
  readonly history: HistoryReader;
  readonly world: World;
}

/** Answers for the event log and for its projection. */
export class ComponentStatuses {
  private readonly served = new ServedResource(COMPONENT_STATUSES as never);
  private readonly checks: Readonly<Record<string, () => Promise<unknown>>>;

  constructor(private readonly sources: ComponentSources) {
    const { log, history } = sources;
    this.checks = { 'event-log': () => log.last('state'), projection: () => history.position('state') };
  }

  async answer(call: Call): Promise<void> {
    const { info, response, query } = call;
    warn(response, DEPRECATED);
    if (info.verb === 'get') {
      const check = this.checks[info.name];
      if (!check) throw notFound(COMPONENTSTATUSES, info.name);
      return this.send(call, await statusOf(info.name, check));
    }
    const labels = query.get('labelSelector') ?? '';
    // Components have no labels.
    const wanted = (labels === '' ? EVERYTHING : parseLabelSelector(labels)).matches({});
    const all = wanted ? await Promise.all(Object.entries(this.checks).map(([name, check]) => statusOf(name, check))) : [];
    return this.send(call, all);
  }

  private async send(call: Call, found: ComponentStatus | readonly ComponentStatus[]): Promise<void> {
    const { request, response, query } = call;
    const { format, transform } = negotiate(request.headers.accept, this.served.allows);
    const objects = 'kind' in found ? [found] : found;
    const { columns, listKind } = this.served.definition;
    const list = { kind: listKind, apiVersion: 'v1', metadata: {}, items: objects };
    let answer: object = 'kind' in found ? found : list;
    if (transform?.kind === 'Table') {
      const options = { version: transform.version, include: includeObjectOf(query), headers: true } as const;
      answer = tableOf(columns, objects, {}, this.sources.world.now(), options);
    } else if (transform?.kind === 'PartialObjectMetadata' && 'kind' in found) answer = partialObject(found, transform.version);
    else if (transform?.kind === 'PartialObjectMetadataList') answer = partialObjectList(objects, {}, transform.version);
    await sendObject(request, response, 200, answer, { format });
  }
}

async function statusOf(name: string, check: () => Promise<unknown>): Promise<ComponentStatus> {
  const problem = await problemOf(check);
  const condition =
    problem === undefined
      ? { type: 'Healthy', status: 'True', message: 'ok' }
      : { type: 'Healthy', status: 'False', message: '', error: problem };
  return { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions: [condition] };
}

/** What is wrong with a component; undefined where nothing is. */
async function problemOf(check: () => Promise<unknown>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('context deadline exceeded'), PATIENCE_MS);
  });
  const asked = check().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([asked, late]);
  clearTimeout(timer);
  return problem;
}
