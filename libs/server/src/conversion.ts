import { tryAgainLater, type KubeObject } from '#libs/apimachinery';
import type { VersionWebhook } from '#libs/api';
import type { WebhookCaller } from '#libs/runtime';

/** Objects that one call converts. */
const MOST_AT_ONCE = 1_000;
/** How often the objects of a list may change while they are converted. */
const MOST_ROUNDS = 20;

/** Objects in a version of their kind, in the same order, as the kind's webhook has them. Throws StatusError. */
export async function convertAll(
  objects: readonly KubeObject[],
  apiVersion: string,
  webhook: VersionWebhook,
  caller: WebhookCaller | undefined,
): Promise<readonly KubeObject[]> {
  const { target, caBundle, timeoutSeconds } = webhook;
  const converted: KubeObject[] = [];
  for (let at = 0; at < objects.length; at += MOST_AT_ONCE) {
    const some = objects.slice(at, at + MOST_AT_ONCE);
    const uid = crypto.randomUUID();
    const body = webhook.review(uid, some, apiVersion);
    const call = { key: uid, target, ...(caBundle ? { caBundle } : {}), timeoutSeconds, body };
    const answer = caller ? await caller.call(call) : { failure: 'no webhooks are called here' };
    converted.push(...webhook.converted(uid, some, apiVersion, answer));
  }
  return converted;
}

/** Asks what there is to wait for until there is nothing; what comes after it must follow without waiting. */
export async function settled(waiting: () => Promise<void> | undefined): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const more = waiting();
    if (more === undefined) return;
    await more;
  }
  throw tryAgainLater('ServiceUnavailable', 'the objects change faster than they are converted', 1);
}
