export { increaseOf, isOver, limitedTo, withAdded } from './amounts.js';
export { quotaScopesOf, isInScopes } from './scopes.js';
export { quotaNamesOf, quotaUsageOf, usageEndsAt } from './usage.js';
