import { Module, type DynamicModule } from '@nestjs/common';
import { serviceAccountControllers } from '#libs/controllers';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';

/** Token of this app's service. */
export const SERVICE_ACCOUNTS = Symbol('SERVICE_ACCOUNTS');

@Module({})
class ServiceAccountsModule {}

/** Default service accounts and the root certificate they trust. */
export const serviceAccountsModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(
    ServiceAccountsModule,
    [plane],
    SERVICE_ACCOUNTS,
    [CONTROL_PLANE],
    (over: ControlPlane) =>
      new ControllersService('serviceaccounts', over, serviceAccountControllers({ caCertificate: over.pki('ca.crt') })),
  );
