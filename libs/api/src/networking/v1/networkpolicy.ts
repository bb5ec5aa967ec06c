import {
  forbiddenField,
  invalidValue,
  isValidPortName,
  isValidPortNumber,
  required,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column, selectorText } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, type Problems } from '../../problems.js';
import { NETWORKPOLICIES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { blockProblem, isWithinBlock } from './blocks.js';

const TYPES = ['Egress', 'Ingress'];
const tcp = (ports: readonly NetworkPolicyPort[] | undefined): readonly NetworkPolicyPort[] | undefined =>
  ports?.map((port) => fill(port, { protocol: 'TCP' }));

function specDefaults(sent: NetworkPolicySpec): NetworkPolicySpec {
  const ingress = sent.ingress?.map((rule) => ({ ...rule, ...(rule.ports ? { ports: tcp(rule.ports) ?? [] } : {}) }));
  const egress = sent.egress?.map((rule) => ({ ...rule, ...(rule.ports ? { ports: tcp(rule.ports) ?? [] } : {}) }));
  const policyTypes = ['Ingress', ...((sent.egress ?? []).length > 0 ? ['Egress'] : [])];
  return fill({ ...sent, ...(ingress ? { ingress } : {}), ...(egress ? { egress } : {}) }, { policyTypes });
}

function ports(into: Problems, path: string, list: readonly NetworkPolicyPort[] | undefined): void {
  (list ?? []).forEach(({ protocol, port, endPort }, index) => {
    const at = `${path}.ports[${index}]`;
    oneOf(into, `${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
    if (typeof port === 'number') {
      judge(into, `${at}.port`, port, isValidPortNumber);
      if (endPort !== undefined && endPort < port)
        into.push(invalidValue(`${at}.endPort`, endPort, 'must be greater than or equal to `port`'));
      if (endPort !== undefined) judge(into, `${at}.endPort`, endPort, isValidPortNumber);
    } else if (endPort !== undefined) {
      into.push(
        invalidValue(
          `${at}.endPort`,
          endPort,
          `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`,
        ),
      );
    }
    if (typeof port === 'string') judge(into, `${at}.port`, port, isValidPortName);
  });
}

function ipBlock(into: Problems, path: string, { cidr, except = [] }: IPBlock): void {
  if (!cidr) return void into.push(required(`${path}.cidr`));
  const problem = blockProblem(cidr);
  if (problem !== undefined) return void into.push(invalidValue(`${path}.cidr`, cidr, problem));
  except.forEach((each, index) => {
    const at = `${path}.except[${index}]`;
    const wrong = blockProblem(each);
    if (wrong !== undefined) into.push(invalidValue(at, each, wrong));
    else if (!isWithinBlock(each, cidr)) into.push(invalidValue(at, each, 'must be a strict subset of `cidr`'));
  });
}

function peers(into: Problems, path: string, list: readonly NetworkPolicyPeer[] | undefined): void {
  (list ?? []).forEach((peer, index) => {
    const at = `${path}[${index}]`;
    const { podSelector, namespaceSelector, ipBlock: block } = peer;
    if (!podSelector && !namespaceSelector && !block) into.push(required(at, 'must specify a peer'));
    if (block && (podSelector ?? namespaceSelector)) into.push(forbiddenField(at, 'may not specify both ipBlock and another peer'));
    into.push(
      ...validateLabelSelector(podSelector, `${at}.podSelector`),
      ...validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`),
    );
    if (block) ipBlock(into, `${at}.ipBlock`, block);
  });
}

function validate({ spec = {} }: NetworkPolicy): readonly FieldError[] {
  const into: Problems = [];
  into.push(...validateLabelSelector(spec.podSelector, 'spec.podSelector'));
  (spec.ingress ?? []).forEach((rule, index) => {
    ports(into, `spec.ingress[${index}]`, rule.ports);
    peers(into, `spec.ingress[${index}].from`, rule.from);
  });
  (spec.egress ?? []).forEach((rule, index) => {
    ports(into, `spec.egress[${index}]`, rule.ports);
    peers(into, `spec.egress[${index}].to`, rule.to);
  });
  const { policyTypes = [] } = spec;
  if (policyTypes.length > TYPES.length) {
    into.push(invalidValue('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes'));
  } else policyTypes.forEach((type, index) => oneOf(into, `spec.policyTypes[${index}]`, type, TYPES));
  return into;
}

export const networkpolicies = kindOf<NetworkPolicy>(NETWORKPOLICIES, 'NetworkPolicy', {
  scope: 'Namespaced',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  strategy: standardStrategy<NetworkPolicy>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate,
  }),
  columns: [NAME, column('Pod-Selector', ({ spec }) => selectorText(spec?.podSelector) || '<none>'), AGE],
});
