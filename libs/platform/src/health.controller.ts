import { Controller, Get, Header, Inject, Param, Query, Res } from '@nestjs/common';
import { METRICS_TYPE, PROCESS_METRICS } from '#libs/process';
import { healthAnswer, worstOf, type CheckOutcome } from '#libs/runtime';
import type { HostedService } from './hosted-service.js';

/** Token under which an app's services are found. */
export const HOSTED_SERVICES = Symbol('HOSTED_SERVICES');

/** What is used of a response. */
interface Answer {
  status(code: number): Answer;
  type(type: string): Answer;
  send(text: string): void;
}

/** What may be asked of a health endpoint, as it arrives. */
type Asked = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The probes and metrics of every Kubernetes component, under the paths they always have, in upstream's words. */
@Controller()
export class HealthController {
  constructor(@Inject(HOSTED_SERVICES) private readonly services: readonly HostedService[]) {}

  @Get(['livez', 'livez/:check'])
  livez(@Res() answer: Answer, @Query() query: Asked, @Param('check') check?: string): void {
    sendHealth(answer, 'livez', [], query, check);
  }

  @Get(['readyz', 'readyz/:check'])
  readyz(@Res() answer: Answer, @Query() query: Asked, @Param('check') check?: string): void {
    sendHealth(answer, 'readyz', this.outcomes(), query, check);
  }

  @Get(['healthz', 'healthz/:check'])
  healthz(@Res() answer: Answer, @Query() query: Asked, @Param('check') check?: string): void {
    sendHealth(answer, 'healthz', this.outcomes(), query, check);
  }

  @Get('metrics')
  @Header('content-type', METRICS_TYPE)
  metrics(): Promise<string> {
    return PROCESS_METRICS.text();
  }

  /** Services that work, and what they stand on. A condition counts for all but `livez`: to start the process again would mend none. */
  private outcomes(): readonly CheckOutcome[] {
    const services = this.services.map(({ name, ready }): CheckOutcome =>
      ready ? { name, state: 'ok' } : { name, state: 'failed', message: `${name} is not ready` },
    );
    return [...services, ...worstOf(this.services.flatMap((service) => service.conditions?.() ?? []))];
  }
}

function sendHealth(answer: Answer, endpoint: string, outcomes: readonly CheckOutcome[], query: Asked, only: string | undefined): void {
  const excluded = new Set([query['exclude'] ?? []].flat());
  const all: readonly CheckOutcome[] = [{ name: 'ping', state: 'ok' }, ...outcomes];
  const { code, text } = healthAnswer({ endpoint, only, isVerbose: query['verbose'] !== undefined, excluded }, all);
  answer.status(code).type('text/plain').send(text);
}
