import { Module, type DynamicModule } from '@nestjs/common';
import { controllersOf } from '#libs/controller-manager';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';
import { legacyTokenSigner } from '#libs/server';
import { CertificateSigner } from './certificate-signer.js';
import { IdentitiesService } from './identities-service.js';

/** Token of this app's service. */
export const SERVICE_ACCOUNTS = Symbol('SERVICE_ACCOUNTS');

@Module({})
class ServiceAccountsModule {}

/** Default service accounts, the root certificate they trust, and the certificates of whoever asks for one. */
export const serviceAccountsModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(ServiceAccountsModule, [plane], SERVICE_ACCOUNTS, [CONTROL_PLANE], (over: ControlPlane) => {
    const certificate = over.pki('ca.crt');
    const settings = { config: over.config, pki: over.pki, tokenSigner: legacyTokenSigner };
    return new IdentitiesService([
      new ControllersService('serviceaccounts', over, controllersOf('serviceaccounts', settings)),
      new CertificateSigner(over, { certificate, key: over.pki('ca.key') }),
    ]);
  });
