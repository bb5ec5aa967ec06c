import {
  compareQuantities,
  invalidValue,
  isQualifiedName,
  milliValue,
  ownMember,
  required,
  forbiddenField,
  type FieldError,
} from '#libs/apimachinery';
import type { LimitRange, LimitRangeItem } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { LIMITRANGES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { within } from '../../defaulting.js';

type Amounts = Readonly<Record<string, string>>;

/** For containers, what is left out follows: defaults from maxima, default requests from defaults, then from minima. */
function itemDefaults(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limits: Amounts = { ...item.max, ...item.default };
  const requests: Amounts = { ...item.min, ...limits, ...item.defaultRequest };
  return {
    ...item,
    ...(Object.keys(limits).length > 0 ? { default: limits } : {}),
    ...(Object.keys(requests).length > 0 ? { defaultRequest: requests } : {}),
  };
}

function inOrder(into: Problems, path: string, low: Amounts, lowName: string, high: Amounts, highName: string, field: string): void {
  for (const [name, amount] of Object.entries(low)) {
    const most = ownMember(high, name);
    if (most === undefined || compareQuantities(amount, most) <= 0) continue;
    const reported = field === lowName ? amount : most;
    into.push(invalidValue(`${path}.${field}[${name}]`, reported, `${lowName} value ${amount} is greater than ${highName} value ${most}`));
  }
}

function ratios(into: Problems, path: string, { maxLimitRequestRatio = {}, min = {}, max = {} }: LimitRangeItem): void {
  for (const [name, ratio] of Object.entries(maxLimitRequestRatio)) {
    const field = `${path}.maxLimitRequestRatio[${name}]`;
    if (compareQuantities(ratio, '1') < 0) into.push(invalidValue(field, ratio, `ratio ${ratio} is less than 1`));
    const least = ownMember(min, name);
    const most = ownMember(max, name);
    if (least === undefined || most === undefined || milliValue(least) === 0) continue;
    const widest = milliValue(most) / milliValue(least);
    if (milliValue(ratio) / 1000 > widest)
      into.push(invalidValue(field, ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`));
  }
}

function item(into: Problems, path: string, limits: LimitRangeItem, seen: Set<string>): void {
  if (limits.type === '') into.push(required(`${path}.type`));
  else if (!['Pod', 'Container', 'PersistentVolumeClaim'].includes(limits.type)) judge(into, `${path}.type`, limits.type, isQualifiedName);
  if (seen.has(limits.type))
    into.push({ reason: 'FieldValueDuplicate', field: `${path}.type`, message: `Duplicate value: ${JSON.stringify(limits.type)}` });
  seen.add(limits.type);
  const { max = {}, min = {}, default: defaults = {}, defaultRequest = {} } = limits;
  if (limits.type === 'Pod') {
    if (Object.keys(defaults).length > 0) into.push(forbiddenField(`${path}.default`, "may not be specified when `type` is 'Pod'"));
    if (Object.keys(defaultRequest).length > 0)
      into.push(forbiddenField(`${path}.defaultRequest`, "may not be specified when `type` is 'Pod'"));
  }
  if (limits.type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined) {
    into.push(required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
  }
  inOrder(into, path, min, 'min', max, 'max', 'min');
  inOrder(into, path, min, 'min', defaultRequest, 'default request', 'defaultRequest');
  inOrder(into, path, defaultRequest, 'default request', max, 'max', 'defaultRequest');
  inOrder(into, path, defaultRequest, 'default request', defaults, 'default limit', 'defaultRequest');
  inOrder(into, path, defaults, 'default', max, 'max', 'default');
  ratios(into, path, limits);
}

function validate({ spec }: LimitRange): readonly FieldError[] {
  const into: Problems = [];
  const seen = new Set<string>();
  (spec?.limits ?? []).forEach((limits, index) => item(into, `spec.limits[${index}]`, limits, seen));
  return into;
}

export const limitranges = kindOf<LimitRange>(LIMITRANGES, 'LimitRange', {
  scope: 'Namespaced',
  shortNames: ['limits'],
  strategy: standardStrategy<LimitRange>({
    defaults: (object) => within(object, 'spec', (spec) => ({ ...spec, limits: spec.limits.map(itemDefaults) })),
    validate,
  }),
});
