import type { Controller } from '#libs/apimachinery';
import {
  endpointsControllers,
  lifecycleControllers,
  replicationControllers,
  serviceAccountControllers,
  type AccountSettings,
} from '#libs/controllers';
import { schedulerFor, type SchedulingProfile } from '#libs/scheduling';

/** The settings of a control plane that its controllers know of. */
export interface ManagerSettings {
  readonly config: {
    readonly serviceCidr: string;
    readonly advertiseAddress: string;
    readonly apiPort: number;
    readonly eventAgeDays: number;
    readonly schedulerProfile: SchedulingProfile;
  };
  /** A file of the cluster's key material, as text. */
  pki(name: string): string;
  /** How tokens of Secrets are signed with a key; without it Secrets get none. */
  readonly tokenSigner?: (key: string) => NonNullable<AccountSettings['signToken']>;
}

/** The apps that run controllers. */
export type ManagerApp = 'serviceaccounts' | 'lifecycle' | 'replication' | 'endpoints' | 'scheduler';

const LISTS: Readonly<Record<ManagerApp, (settings: ManagerSettings) => readonly Controller[]>> = {
  serviceaccounts: ({ config: { advertiseAddress, apiPort }, pki, tokenSigner }) =>
    serviceAccountControllers({
      caCertificate: pki('ca.crt'),
      frontProxyCa: pki('front-proxy-ca.crt'),
      ...(tokenSigner ? { signToken: tokenSigner(pki('sa.key')) } : {}),
      server: `https://${advertiseAddress}:${apiPort}`,
    }),
  lifecycle: ({ config }) => lifecycleControllers(config),
  replication: () => replicationControllers,
  endpoints: () => endpointsControllers,
  scheduler: ({ config }) => [schedulerFor(config.schedulerProfile)],
};

/** What an app runs in a control plane with these settings: the one place that says so, for those that decide and those that check. */
export const controllersOf = (app: ManagerApp, settings: ManagerSettings): readonly Controller[] => LISTS[app](settings);

/** Everything that decides in a control plane with these settings. */
export const everyControllerOf = (settings: ManagerSettings): readonly Controller[] =>
  Object.values(LISTS).flatMap((controllers) => controllers(settings));
