import type { Command } from 'commander';
import { humanDuration, parseTime, StatusError, type Instant, type KubeObject } from '#libs/apimachinery';
import { pathOf } from '#libs/client';
import {
  explain,
  instantOf,
  MOMENT_FORMS,
  parseMoment,
  placeName,
  type Cause,
  type ExplainedStep,
  type Explanation,
  type Look,
  type Looking,
  type Moment,
  type Revision,
  type Subject,
} from '#libs/history';

import { Failure } from '../failure.js';
import type { AddCommand } from '../options.js';
import { listed, historyPath, named, nothingOf, type Terms } from './asking.js';
import { jsonText, printed, printOptions, yamlText, type Paper, type PrintOptions } from './output.js';
import { objectText } from './resources.js';
import { namespaceOption, sessionOptions, withSession, type Session } from './session.js';
import { printable, wrapped, type Paint } from './text.js';

interface WhyOptions extends PrintOptions {
  readonly at?: string;
}

/** `decklog why`: the causal chain in words. */
export const addWhy: AddCommand = (program) => {
  const command = program
    .command('why')
    .description('why an object is there, is as it is, or was deleted: which request, by whom, and what came of it')
    .argument('<object...>', 'KIND/NAME or KIND NAME, as for kubectl; also of what is gone')
    .option('--at <moment>', `as it was then: ${MOMENT_FORMS}`);
  printOptions(namespaceOption(sessionOptions(command)), [], ['name', 'wide']);
  command.action((args: readonly string[], options: WhyOptions, self: Command) => printWhy(args, options, self));
};

async function printWhy(args: readonly string[], options: WhyOptions, command: Command): Promise<void> {
  const now = Date.now();
  const at = options.at === undefined ? undefined : parseMoment(options.at);
  if (options.at !== undefined && at === undefined) throw new Failure(`"${options.at}" is no moment`, [`It must be ${MOMENT_FORMS}.`], 2);
  await withSession(command, async (session) => {
    const object = await session.object(args);
    const { group, resource, name, namespaced } = object;
    const of = { group, resource, name, ...(namespaced === false ? {} : { namespace: session.namespace }) };
    const lookup = new Lookup(session);
    const found = await driven(explain({ of, now, ...until(at, now) }), lookup);
    const [refusal] = lookup.hidden;
    if (found === undefined && refusal !== undefined) throw new Failure(refusal);
    if (found === undefined)
      throw nothingOf(objectText(object), namespaced === false ? '' : ` in namespace ${session.namespace}`, at !== undefined);
    await printed(options, async (paper) => {
      if (options.output === 'json') await paper.write(jsonText(found));
      else if (options.output === 'yaml') await paper.write(yamlText(found));
      else await paper.write(`${[...explanationLines(found, now, paper), ...hiddenLines(lookup.hidden, paper)].join('\n')}\n`);
    });
  });
}

function until(at: Moment | undefined, now: Instant): { until?: { time?: Instant; sequence?: number } } {
  if (at === undefined) return {};
  if (at.kind === 'sequence') return { until: { sequence: at.sequence } };
  const time = instantOf(at, now);
  return time === undefined ? {} : { until: { time } };
}

/** Most lookups of one explanation. */
const MOST_LOOKS = 200;

/** Answers what an explanation asks, until it is one. */
export async function driven<T>(asking: Looking<T>, lookup: { found(look: Look): Promise<unknown> }): Promise<T> {
  let step = asking.next();
  for (let looks = 0; step.done !== true; looks++) {
    if (looks >= MOST_LOOKS) throw new Failure('the chain of causes is too long to follow');
    step = asking.next(await lookup.found(step.value));
  }
  return step.value;
}

/** Looks things up in the API; the same question is asked once. What may not be read is not there, and counted. */
class Lookup {
  readonly hidden = new Set<string>();
  private readonly known = new Map<string, Promise<unknown>>();

  constructor(private readonly session: Session) {}

  found(look: Look): Promise<unknown> {
    const key = JSON.stringify(look.kind === 'cause' ? ['cause', look.of.stream, look.of.sequence] : look);
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const asked = this.look(look);
    this.known.set(key, asked);
    return asked;
  }

  private look(look: Look): Promise<unknown> {
    switch (look.kind) {
      case 'revisions':
        return this.revisions(look);
      case 'cause':
        return this.cause(look.of);
      case 'object':
        return this.allowed(() => this.object(look.of, look.at), undefined);
      case 'pods':
        return this.allowed(() => this.pods(look), []);
    }
  }

  private async revisions({ of, changed, until: newest, limit }: Extract<Look, { kind: 'revisions' }>): Promise<readonly Revision[]> {
    const { group, resource, namespace, name, uid } = of;
    const terms: Terms = {
      'object.group': group,
      'object.resource': resource,
      'object.name': name,
      'object.uid': uid,
      changed,
      until: newest,
    };
    const { client } = this.session;
    const ask = async (): Promise<readonly Revision[]> =>
      (await listed<Revision>(client, historyPath('revisions', namespace), terms, limit)).items;
    return this.allowed(ask, []);
  }

  private cause({ metadata, stream, sequence }: Revision): Promise<Cause | undefined> {
    const { client } = this.session;
    const ask = (): Promise<Cause> => named<Cause>(client, 'causes', metadata.namespace, placeName({ stream, sequence }));
    return this.allowed(ask, undefined).then((cause) => {
      for (const { place, hidden } of cause?.chain ?? []) if (hidden === true) this.hidden.add(`event ${place}`);
      return cause;
    });
  }

  private async object({ group = '', resource = '', namespace, name = '' }: Subject, at: number): Promise<KubeObject | undefined> {
    const version = await this.version(group, resource, at);
    if (version === undefined) return undefined;
    const path = pathOf({ group, version, resource }, namespace, name);
    return (await this.session.at(String(at)).transport.json({ method: 'GET', path })) as KubeObject;
  }

  private async pods({ namespace, labels, at }: Extract<Look, { kind: 'pods' }>): Promise<readonly KubeObject[]> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const pods = { group: '', version: 'v1', resource: 'pods' };
    return (await this.session.at(String(at)).list<KubeObject>(pods, { namespace, labelSelector, limit: 500 })).items;
  }

  private async version(group: string, resource: string, at: number): Promise<string | undefined> {
    const serves = (one: { readonly group: string; readonly resource: string }): boolean =>
      one.group === group && one.resource === resource;
    const now = (await this.session.resources()).find(serves);
    return (now ?? (await this.session.resources(String(at))).find(serves))?.version;
  }

  /** Forbidden is hidden; not found is not there. */
  private async allowed<T, F>(ask: () => Promise<T>, otherwise: F): Promise<T | F> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StatusError) || (error.reason !== 'Forbidden' && error.reason !== 'NotFound')) throw error;
      if (error.reason === 'Forbidden') this.hidden.add(error.message);
      return otherwise;
    }
  }
}

const MOST_HIDDEN = 5;

function hiddenLines(hidden: ReadonlySet<string>, { paint }: Pick<Paper, 'paint'>): readonly string[] {
  if (hidden.size === 0) return [];
  const some = [...hidden].slice(0, MOST_HIDDEN).map((text) => `  ${printable(text)}`);
  return ['', paint('yellow', 'Not all could be read, so there may be more to it:'), ...some];
}

/** An explanation as lines for a terminal. */
export function explanationLines(
  { headline, steps, lastChange = [], state, fate }: Explanation,
  now: Instant,
  { paint, width = 100 }: { readonly paint: Paint; readonly width: number | undefined },
): readonly string[] {
  const head = wrapped(printable(headline), width).map((line) => paint('bold', line));
  const story =
    steps.length === 0 ? [] : ['', fate === 'exists' ? 'How it came about:' : 'What happened:', ...stepLines(steps, now, paint, width)];
  const change = lastChange.length === 0 ? [] : ['', 'What was last asked of it:', ...stepLines(lastChange, now, paint, width)];
  const is = state.flatMap(({ says, advice }) => [
    ...indented(`- ${printable(says)}`, '  ', '    ', width).map((line) => paint('red', line)),
    ...(advice === undefined ? [] : indented(printable(advice), '    ', '    ', width)),
  ]);
  return [
    ...head,
    ...story,
    ...change,
    ...(is.length === 0 ? [] : ['', fate === 'exists' ? 'What is the matter:' : 'What it waits for:', ...is]),
  ];
}

function indented(text: string, first: string, rest: string, width: number): readonly string[] {
  return wrapped(text, Math.max(30, width - rest.length)).map((line, at) => `${at === 0 ? first : rest}${line}`);
}

function stepLines(steps: readonly ExplainedStep[], now: Instant, paint: Paint, width: number): readonly string[] {
  const places = steps.map(({ place }) => place.replace(/^state:/, ''));
  const column = Math.max(...places.map((place) => place.length));
  return steps.flatMap(({ time, who, from, did }, at) => {
    const age = humanDuration(Math.max(0, now - (parseTime(time) ?? now)));
    const margin = `  ${(places[at] ?? '').padStart(column)}  ${age.padEnd(7)}`;
    const text = `${printable(who)}${from === undefined ? '' : `, ${printable(from)},`} ${printable(did)}`;
    const [first = '', ...rest] = wrapped(text, Math.max(30, width - margin.length));
    return [`${paint('dim', margin)}${first}`, ...rest.map((line) => ' '.repeat(margin.length) + line)];
  });
}
