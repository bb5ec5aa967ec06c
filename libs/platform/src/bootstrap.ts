import 'reflect-metadata';
import { Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { HealthController, HOSTED_SERVICES } from './health.controller.js';
import type { HostedService } from './hosted-service.js';
import { ServiceTransport } from './service-transport.js';

/** An app as it is composed: its modules, and the tokens of the services they provide, in starting order. */
export interface AppDescription {
  readonly modules: readonly DynamicModule[];
  readonly services: readonly symbol[];
  /** Port of the probes on 127.0.0.1; 0: none. */
  readonly probePort: number;
}

@Module({})
class AppModule {
  static of({ modules, services }: AppDescription): DynamicModule {
    return {
      module: AppModule,
      imports: [...modules],
      controllers: [HealthController],
      providers: [{ provide: HOSTED_SERVICES, inject: [...services], useFactory: (...hosted: HostedService[]) => hosted }],
      exports: [HOSTED_SERVICES],
    };
  }
}

/** The wiring of a service an app hosts: which token, from what, made how. Exported by its module. */
export function hostedModule(
  module: new () => object,
  imports: readonly DynamicModule[],
  token: symbol,
  inject: readonly symbol[],
  make: (...dependencies: never[]) => HostedService | Promise<HostedService>,
): DynamicModule {
  return { module, imports: [...imports], providers: [{ provide: token, inject: [...inject], useFactory: make }], exports: [token] };
}

/**
 * Composes, starts and watches over one process: the one shape of every app. Resolves once all its services
 * have started; SIGTERM and SIGINT stop them in the reverse order.
 */
export async function bootstrap(description: AppDescription): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.of(description), { logger: ['error', 'warn'], abortOnError: false });
  app.connectMicroservice<MicroserviceOptions>({ strategy: new ServiceTransport(app.get<HostedService[]>(HOSTED_SERVICES)) });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  if (description.probePort > 0) await app.listen(description.probePort, '127.0.0.1');
  else await app.init();
  return app;
}
