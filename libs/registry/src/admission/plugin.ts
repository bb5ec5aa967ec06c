import type { KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { Reinvocation } from './reinvocation.js';
import type { PlannedWrite } from '../write.js';

/** What is asked of admission: upstream's admission.Operation. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** One request as admission sees it, after authorization and decoding; upstream's admission.Attributes. */
export interface Attributes {
  readonly operation: Operation;
  /** The resource's own subresource that the request is for; '' for the main resource. */
  readonly subresource: string;
  /** The object's name; '' where it is not drawn yet. */
  readonly name: string;
  /** '' for cluster-scoped resources. */
  readonly namespace: string;
  /** The object as it would be written; undefined for a deletion. Of a subresource of another kind (eviction, binding), that. */
  readonly object: KubeObject | undefined;
  /** The object as it is; undefined for a creation. */
  readonly old: KubeObject | undefined;
}

/** What a validating step adds to a write that it lets pass. */
export interface Verdict {
  /** Written in the same append: all of it happens, or none. */
  readonly writes?: readonly PlannedWrite[];
  readonly warnings?: readonly string[];
}

/** A mutating step: gives the object as it is to be, or refuses by throwing a StatusError. Pure. */
export interface MutatingPlugin {
  /** Upstream's name of the plugin. */
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly mutate: (object: KubeObject, attributes: Attributes, given: Case, reinvocation: Reinvocation) => KubeObject;
  /** What the step warns about, asked once after all mutation. */
  readonly warnings?: (attributes: Attributes, given: Case) => readonly string[];
}

/** A validating step: lets pass, perhaps with writes of its own, or refuses by throwing a StatusError. Pure. */
export interface ValidatingPlugin {
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly validate: (attributes: Attributes, given: Case) => Verdict | undefined;
}
