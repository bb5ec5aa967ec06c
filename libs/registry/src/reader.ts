import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { BUILT_IN, type Catalog, type SignatureCheck } from '#libs/api';
import type { Call, CallAnswer, Known, Need, StoredObject } from './write.js';

/** Thrown by a Reader where a decision needs what is not known yet; caught once, where it becomes a step's `need`. */
export class Unknown extends Error {
  constructor(readonly need: Need) {
    super('a decision needs to know more');
  }
}

/**
 * A refusal for want of an object that a controller is about to make, such as the default account of a new
 * namespace: the runtime gives `awaited` a moment to appear before the client hears of it.
 */
export class NotThereYet extends StatusError {
  constructor(
    refusal: StatusError,
    readonly awaited: { readonly resource: GroupVersionResource; readonly namespace: string; readonly name: string },
  ) {
    super(refusal.reason, refusal.message, refusal.details);
  }
}

/** What is known, read as if all of it were: a decision is written in a straight line and simply starts again. */
export class Reader {
  constructor(private readonly known: Known) {}

  object(resource: GroupVersionResource, namespace: string, name: string): StoredObject | undefined {
    const found = this.known.object(resource, namespace, name);
    if (found === undefined) throw new Unknown({ kind: 'object', resource, name, ...(namespace === '' ? {} : { namespace }) });
    return found ?? undefined;
  }

  list(resource: GroupVersionResource, namespace: string | undefined): readonly KubeObject[] {
    const found = this.known.list(resource, namespace);
    if (found === undefined) throw new Unknown({ kind: 'list', resource, ...(namespace === undefined ? {} : { namespace }) });
    return found;
  }

  verifies(check: SignatureCheck): boolean {
    return this.known.verifies(check);
  }

  /** The kinds that are served. */
  get catalog(): Catalog {
    return this.known.catalog ?? BUILT_IN;
  }

  /** The answers of webhooks, in the order of the calls: those not made yet are made together. */
  answers(calls: readonly Call[]): readonly CallAnswer[] {
    const answers = calls.map((call) => this.known.answer(call.key));
    const missing = calls.filter((_, i) => answers[i] === undefined);
    if (missing.length > 0) throw new Unknown({ kind: 'calls', calls: missing });
    return answers.filter((answer) => answer !== undefined);
  }
}
