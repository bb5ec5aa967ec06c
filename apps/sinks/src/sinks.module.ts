import { Module, type DynamicModule } from '@nestjs/common';
import { hostedModule, type ControlPlaneConfig } from '#libs/platform';
import { SinksService } from './sinks-service.js';

/** Token of this app's service. */
export const SINKS = Symbol('SINKS');

@Module({})
class SinksModule {}

/** The audit trail to files, webhooks and NATS subjects. */
export const sinksModule = (config: ControlPlaneConfig): DynamicModule =>
  hostedModule(SinksModule, [], SINKS, [], () => new SinksService(config));
