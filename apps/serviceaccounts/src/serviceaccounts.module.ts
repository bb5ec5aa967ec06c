import { Module, type DynamicModule } from '@nestjs/common';
import { serviceAccountControllers } from '#libs/controllers';
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
    const { advertiseAddress, apiPort } = over.config;
    const settings = {
      caCertificate: certificate,
      frontProxyCa: over.pki('front-proxy-ca.crt'),
      signToken: legacyTokenSigner(over.pki('sa.key')),
      server: `https://${advertiseAddress}:${apiPort}`,
    };
    return new IdentitiesService([
      new ControllersService('serviceaccounts', over, serviceAccountControllers(settings)),
      new CertificateSigner(over, { certificate, key: over.pki('ca.key') }),
    ]);
  });
