import type { Namespace } from '#libs/api';
import { validateFinalizerName, validateQualifiedFinalizers, type FieldError, type KubeObject } from '#libs/apimachinery';

type Members = KubeObject & Pick<Namespace, 'spec' | 'status'>;

/** A PUT of a namespace's `finalize` moves its spec's finalizers (and metadata) and nothing else. */
export const finalizeNamespace = {
  prepare: (next: KubeObject, old: KubeObject): KubeObject => {
    const { spec } = next as Members;
    const { status } = old as Members;
    return { ...old, metadata: next.metadata, spec: { ...spec }, ...(status === undefined ? {} : { status }) } as KubeObject;
  },
  validate: (next: KubeObject): readonly FieldError[] => {
    const finalizers = (next as Members).spec?.finalizers ?? [];
    return [
      ...finalizers.flatMap((name, i) => validateFinalizerName(name, `spec.finalizers[${i}]`)),
      ...validateQualifiedFinalizers(finalizers, 'spec.finalizers'),
    ];
  },
};
