import { SERVICECIDRS, type ServiceCIDR } from '#libs/api';
import { parseCidr } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { addressRange, type AddressRange } from './addresses.js';

/** A range of Services' addresses, and how it is written. */
export interface ReadyRange {
  readonly cidr: string;
  readonly range: AddressRange;
}

const isReady = ({ metadata, status }: ServiceCIDR): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true;

/** The IPv4 ranges that Services get their addresses from: the cluster's own first, then those of ready ServiceCIDRs by name. */
export function readyRanges({ read, settings }: Pick<Case, 'read' | 'settings'>): readonly ReadyRange[] {
  const all = read.list(SERVICECIDRS, undefined) as readonly ServiceCIDR[];
  // Before the cluster has said which range it has, that is the one it was made with.
  const named =
    all.length === 0
      ? [settings.serviceCidr]
      : all
          .filter(isReady)
          .sort(byName)
          .flatMap(({ spec }) => spec?.cidrs ?? []);
  const cidrs = [...new Set(named)].filter((cidr) => parseCidr(cidr)?.network.family === 4);
  const own = cidrs.filter((cidr) => cidr === settings.serviceCidr);
  return [...own, ...cidrs.filter((cidr) => cidr !== settings.serviceCidr)].map((cidr) => ({ cidr, range: addressRange(cidr) }));
}

const byName = (a: ServiceCIDR, b: ServiceCIDR): number => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);
