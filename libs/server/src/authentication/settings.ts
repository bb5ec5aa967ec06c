import type { RequestHeaderSettings } from './request-header.js';

/** Ways to be somebody, besides client certificates, service account tokens and bootstrap tokens. Files are given as their content. */
export interface AuthenticationSettings {
  /** Users of static tokens, `token,user,uid[,"groups"]` each (`--token-auth-file` upstream). */
  readonly tokenFile?: string;
  /** Issuers of OpenID Connect and who may be anonymous: an AuthenticationConfiguration (`--authentication-config`). */
  readonly configuration?: string;
  /** Proxies that say who asks (`--requestheader-*`). */
  readonly requestHeader?: RequestHeaderSettings;
}
