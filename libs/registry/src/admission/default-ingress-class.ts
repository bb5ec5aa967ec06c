import { INGRESSCLASSES, INGRESSES, type Ingress } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { isAbout } from './about.js';
import { newestDefault } from './default-class.js';
import type { MutatingPlugin } from './plugin.js';

const BETA_CLASS = 'kubernetes.io/ingress.class';
const DEFAULT_CLASS = ['ingressclass.kubernetes.io/is-default-class'];

/** DefaultIngressClass: an ingress that names no class is of the default one, where there is any. */
export const defaultIngressClass: MutatingPlugin = {
  name: 'DefaultIngressClass',
  operations: ['CREATE'],
  mutate(object, attributes, given): KubeObject {
    if (!isAbout(given, attributes, INGRESSES)) return object;
    const ingress = object as Ingress;
    const named = ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[BETA_CLASS] !== undefined;
    const found = named ? undefined : newestDefault(given.read.list(INGRESSCLASSES, undefined), DEFAULT_CLASS);
    return found === undefined ? ingress : ({ ...ingress, spec: { ...ingress.spec, ingressClassName: found } } as Ingress);
  },
};
