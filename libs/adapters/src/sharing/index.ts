export { connectMembership, KvMembership, type MembershipOptions } from './kv-membership.js';
