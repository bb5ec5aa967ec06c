export { ApiServer, startApiServer, type RunningServer } from './api-server.js';
export { legacyTokenSigner, type LegacyClaims } from './authentication/legacy-claims.js';
export type { AuthenticationSettings } from './authentication/settings.js';
export type { RequestHeaderSettings } from './authentication/request-header.js';
export {
  allowAuthenticated,
  type Authorizer,
  type AuthorizerAttributes,
  type AuthorizerDecision,
  type User,
} from './authorization/authorizer.js';
export { clusterAuthorization, type ClusterAuthorization } from './authorization/cluster-authorizer.js';
export {
  DEFAULT_SETTINGS,
  type HealthCheck,
  type KubeletTls,
  type ListenAddress,
  type ServerOptions,
  type ServerSettings,
  type ServerTls,
  type TokenSettings,
} from './options.js';
export { everythingAllowed, REVIEWS, type RulesFor, type UserRules } from './authorization/reviews.js';
