import type { Revision } from '../wire.js';
import { changeLines, changeText, fewLines, shownChanges, valueText } from '../words/changes.js';
import { kubectlCommand, managerOf, programOf, whoOf } from '../words/who.js';

/** How an object is called in a sentence: `Deployment web`. */
export function objectPhrase({
  kind,
  resource,
  name,
}: {
  readonly kind?: string;
  readonly resource: string;
  readonly name: string;
}): string {
  return `${kind ?? resource} ${name}`;
}

const change = ({ changes = [] }: Revision, field: string) => changes.find((one) => one.field === field);

/** Whether a revision is the one that asked for the object's deletion. */
export const asksDeletion = (revision: Revision): boolean =>
  (change(revision, 'metadata.deletionTimestamp')?.op ?? '') === 'add' || (revision.type === 'Deleted' && !hadBeenAsked(revision));

/** A deletion that nothing but a finalizer's removal or a kubelet's last word completes was asked for before. */
const hadBeenAsked = ({ verb }: Revision): boolean => !verb.startsWith('delete') && verb !== 'create';

/** The end of what a revision changed, if that is how many there are to be: `from 1 to 3`. */
export function replicasPhrase(revision: Revision): string | undefined {
  const found = change(revision, 'spec.replicas');
  if (found === undefined || found.op === 'remove') return undefined;
  return `from ${found.old === undefined ? 'the default' : valueText(found.old)} to ${valueText(found.value)}`;
}

const MOST_CHANGES = 3;

/** What a revision did, as a sentence's end: `scaled Deployment web from 1 to 3`. `it`: how the object is called. */
export function didPhrase(revision: Revision, it = objectPhrase(revision.object)): string {
  const { type, verb, subresource } = revision;
  if (type === 'Created') return `created ${it}`;
  if (subresource === 'eviction') return `evicted ${it} through the eviction API, as kubectl drain does`;
  if (type === 'Deleted') return verb.startsWith('delete') ? `deleted ${it}` : `removed ${it}`;
  if (asksDeletion(revision)) return `deleted ${it}`;
  const node = change(revision, 'spec.nodeName');
  if (subresource === 'binding' && node !== undefined) return `put ${it} on ${valueText(node.value)}`;
  const cordon = change(revision, 'spec.unschedulable');
  if (cordon !== undefined) return `${cordon.op !== 'remove' && cordon.value === true ? 'cordoned' : 'uncordoned'} ${it}`;
  const replicas = replicasPhrase(revision);
  if (replicas !== undefined && (revision.changes ?? []).every(({ field = '' }) => !field.startsWith('spec.') || field === 'spec.replicas'))
    return `scaled ${it} ${replicas}`;
  const lines = fewLines(changeLines(shownChanges(revision)), MOST_CHANGES).map(changeText);
  const what = lines.length === 0 ? '' : `: ${lines.join('; ')}`;
  return subresource === 'status' ? `reported on ${it}${what}` : `changed ${it}${what}`;
}

/** With what and from where somebody asked: `with kubectl set from 10.0.0.5`; empty of controllers and kubelets. */
export function fromPhrase(revision: Revision): string {
  const { agent, sourceAddress, fieldManager } = revision;
  const { kind } = whoOf(revision);
  if (kind !== 'user' && kind !== 'serviceaccount') return '';
  const program = kubectlCommand(fieldManager) ?? programOf(agent) ?? managerOf(fieldManager);
  return [...(program === undefined ? [] : [`with ${program}`]), ...(sourceAddress === undefined ? [] : [`from ${sourceAddress}`])].join(
    ' ',
  );
}
