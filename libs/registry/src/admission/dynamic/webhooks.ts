import {
  decode,
  modelOf,
  MUTATINGWEBHOOKCONFIGURATIONS,
  VALIDATINGWEBHOOKCONFIGURATIONS,
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
} from '#libs/api';
import { badRequest, deepEqual, forbidden, jsonPatch, StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import type { Call, CallAnswer, CallTarget } from '../../write.js';
import type { Attributes, MutatingPlugin, ValidatingPlugin } from '../plugin.js';
import type { Reinvocation } from '../reinvocation.js';
import { activationOf } from './activation.js';
import { conditionsHold, conditionsOf, type Conditions } from './expressions.js';
import { isExempt, match, matcherOf, ownForm, type Matched, type Matcher } from './matching.js';
import { callUid, denial, readReview, reviewOf, type Review } from './review.js';

/** A webhook of a configuration, made ready to be asked. */
interface Hook {
  /** Tells it from all others: its configuration, its place there, its name. */
  readonly key: string;
  readonly hook: MutatingWebhook;
  readonly matcher: Matcher;
  readonly conditions: Conditions;
  readonly target: CallTarget;
}

const compiled = new WeakMap<object, readonly Hook[]>();
const NONE: readonly Hook[] = [];

const targetOf = ({ clientConfig: { url, service } }: MutatingWebhook): CallTarget =>
  url !== undefined ? { url } : { service: service ?? { namespace: '', name: '' } };

const hooksOf = ({ metadata, webhooks }: MutatingWebhookConfiguration): readonly Hook[] =>
  (webhooks ?? []).map((hook, i) => ({
    key: `${metadata.name}/${hook.name}/${i}`,
    hook,
    matcher: matcherOf({
      ...hook,
      rules: hook.rules ?? [],
      matchPolicy: hook.matchPolicy,
      namespaceSelector: hook.namespaceSelector,
      objectSelector: hook.objectSelector,
    }),
    conditions: conditionsOf(hook.matchConditions, {}),
    target: targetOf(hook),
  }));

/** All webhooks of a sort, by their configurations' names; the list stays the same object until a configuration changes. */
function allHooks(given: Case, resource: GroupVersionResource): readonly Hook[] {
  const list = given.read.list(resource, undefined);
  if (list.length === 0) return NONE;
  const known = compiled.get(list);
  if (known) return known;
  const hooks = list.flatMap((configuration) => hooksOf(configuration as MutatingWebhookConfiguration));
  compiled.set(list, hooks);
  return hooks;
}

const ignoresFailure = ({ hook }: Hook): boolean => hook.failurePolicy === 'Ignore';

/** The form in which a webhook wants to hear of the request; undefined where it does not. */
function wanted(given: Case, attributes: Attributes, hook: Hook): Matched | undefined {
  const matched = match(given, attributes, hook.matcher);
  if (!matched || hook.conditions.length === 0) return matched;
  const activation = activationOf(given, attributes, matched, ownForm(given, attributes));
  const holds = conditionsHold(hook.conditions, activation, ignoresFailure(hook));
  if (typeof holds !== 'boolean') throw forbidden(given.definition.resource, attributes.name, holds.error);
  return holds ? matched : undefined;
}

/** One call that is to be made: to whom, and by what its answer is known. */
interface Asked {
  readonly hook: Hook;
  readonly matched: Matched;
  readonly uid: string;
  readonly version: string;
  readonly call: Call;
}

function ask(given: Case, attributes: Attributes, hook: Hook, matched: Matched, round: number): Asked {
  const { hook: spec, key, target } = hook;
  if (given.request.options.dryRun && spec.sideEffects !== 'None' && spec.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(spec.name)} does not support dry run`);
  }
  const uid = callUid(given.context.uid, `${key}/${round}`);
  const body = reviewOf(given, attributes, matched, ownForm(given, attributes), uid, spec.admissionReviewVersions);
  const { caBundle } = spec.clientConfig;
  const call: Call = {
    key: `${key}/${round}/${JSON.stringify(body)}`,
    target,
    ...(caBundle ? { caBundle } : {}),
    timeoutSeconds: spec.timeoutSeconds ?? 10,
    body,
  };
  return { hook, matched, uid, version: String(body['apiVersion']).split('/')[1] ?? 'v1', call };
}

const internal = (message: string): StatusError =>
  new StatusError('InternalError', `Internal error occurred: ${message}`, { causes: [{ message } as never] });

const failed = (name: string, why: string): string => `failed calling webhook ${JSON.stringify(name)}: ${why}`;

/** A review, or undefined: there is none and that is ignored. Throws where the webhook could not be asked, or refused. */
function reviewed(given: Case, { hook, uid, version }: Asked, answer: CallAnswer, mutating: boolean): Review | undefined {
  const { name } = hook.hook;
  const failure = (why: string): undefined => {
    if (!ignoresFailure(hook)) throw internal(failed(name, why));
    given.notes.annotate(`failed-open.${mutating ? 'mutation' : 'validating'}.webhook.admission.k8s.io/${hook.key}`, name);
    return undefined;
  };
  if ('failure' in answer) return failure(`failed to call webhook: ${answer.failure}`);
  let review: ReturnType<typeof readReview>;
  try {
    review = readReview(answer.body, uid, version, mutating);
  } catch (thrown) {
    throw internal(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if ('problem' in review) return failure(`received invalid webhook response: ${review.problem}`);
  for (const [key, value] of Object.entries(review.annotations)) given.notes.annotate(`${name}/${key}`, value);
  given.notes.warnings.push(...review.warnings);
  if (!review.allowed) throw denial(name, review.result);
  return review;
}

/** The object after a webhook's patch: decoded and defaulted anew, as whatever a client sends. */
function patchedBy(given: Case, hook: Hook, matched: Matched, object: KubeObject | undefined, operations: readonly unknown[]): KubeObject {
  const { definition } = given;
  const shownAs = matched.convert(object);
  if (!shownAs)
    throw internal(
      `admission webhook ${JSON.stringify(hook.hook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  let next: KubeObject;
  try {
    next = matched.back(jsonPatch(shownAs, operations) as KubeObject);
  } catch (thrown) {
    throw internal(thrown instanceof Error ? thrown.message : String(thrown));
  }
  return redecoded(given, next, definition.kind === shownAs.kind || matched.resource !== definition.resource);
}

/** An object that admission has made, read as its kind and defaulted; of a subresource's own kind, read as that. */
export function redecoded({ definition }: Case, object: KubeObject, own: boolean): KubeObject {
  const { apiVersion, kind } = object;
  const model = own ? undefined : modelOf(apiVersion, kind);
  if (!own && model === undefined) return object;
  try {
    if (model !== undefined) return { ...decode<KubeObject>(model, object, { strict: false }).object, apiVersion, kind };
    const read = definition.schema
      ? definition.schema.decode(object, { strict: false }).object
      : decode(definition.model, object, { strict: false }).object;
    return definition.strategy.defaults({ ...read, apiVersion: object.apiVersion, kind: object.kind } as KubeObject);
  } catch (thrown) {
    throw internal(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

const MUTATING = 'MutatingAdmissionWebhook';

/** Asks the mutating webhooks one after the other: each sees what those before it made of the object. Undefined: there is none. */
export function askMutatingWebhooks(
  object: KubeObject | undefined,
  attributes: Attributes,
  given: Case,
  reinvocation: Reinvocation,
): KubeObject | undefined {
  const hooks = allHooks(given, MUTATINGWEBHOOKCONFIGURATIONS);
  if (hooks.length === 0 || isExempt(given.definition)) return object;
  reinvocation.begin(MUTATING, object);
  let current = object;
  for (const hook of hooks) {
    if (!reinvocation.asks(MUTATING, hook.key)) continue;
    const now = { ...attributes, object: current };
    const matched = wanted(given, now, hook);
    if (!matched) continue;
    const asked = ask(given, now, hook, matched, reinvocation.round);
    const [answer] = given.read.answers([asked.call]);
    const review = answer && reviewed(given, asked, answer, true);
    const next = review?.patch?.length ? patchedBy(given, hook, matched, current, review.patch) : current;
    reinvocation.asked(MUTATING, hook.key, !deepEqual(next, current), hook.hook.reinvocationPolicy === 'IfNeeded');
    current = next;
  }
  reinvocation.end(MUTATING, current);
  return current;
}

/** The last of the mutating steps. */
export const mutatingWebhooks: MutatingPlugin = {
  name: MUTATING,
  operations: ['CREATE', 'UPDATE', 'CONNECT'],
  mutate: (object, attributes, given, reinvocation) => askMutatingWebhooks(object, attributes, given, reinvocation) ?? object,
};

/** Asks the validating webhooks all at once. The first refusal, in the order of their configurations, counts. */
export const validatingWebhooks: ValidatingPlugin = {
  name: 'ValidatingAdmissionWebhook',
  operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  validate(attributes, given) {
    const hooks = allHooks(given, VALIDATINGWEBHOOKCONFIGURATIONS);
    if (hooks.length === 0 || isExempt(given.definition)) return undefined;
    const asked = hooks.flatMap((hook) => {
      const matched = wanted(given, attributes, hook);
      return matched ? [ask(given, attributes, hook, matched, 0)] : [];
    });
    const answers = given.read.answers(asked.map(({ call }) => call));
    asked.forEach((each, i) => reviewed(given, each, answers[i] as CallAnswer, false));
    return undefined;
  },
};
