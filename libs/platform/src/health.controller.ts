import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import { METRICS_TYPE, PROCESS_METRICS } from '#libs/process';
import type { HostedService } from './hosted-service.js';

/** Token under which an app's services are found. */
export const HOSTED_SERVICES = Symbol('HOSTED_SERVICES');

/** The probes and metrics of every Kubernetes component, under the paths they always have. */
@Controller()
export class HealthController {
  constructor(@Inject(HOSTED_SERVICES) private readonly services: readonly HostedService[]) {}

  @Get('livez')
  livez(): string {
    return 'ok';
  }

  @Get('readyz')
  readyz(): string {
    const waiting = this.services.filter(({ ready }) => !ready).map(({ name }) => name);
    if (waiting.length > 0) throw new ServiceUnavailableException(`not ready: ${waiting.join(', ')}`);
    return 'ok';
  }

  @Get('metrics')
  @Header('content-type', METRICS_TYPE)
  metrics(): Promise<string> {
    return PROCESS_METRICS.text();
  }
}
