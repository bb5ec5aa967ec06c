import { existsSync, readFileSync } from 'node:fs';
import type { Descriptions } from '#libs/api';
import type { AuditStream } from '#libs/log';
import type { ControlPlane, ControlPlaneConfig, HostedService } from '#libs/platform';
import type { Condition } from '#libs/runtime';
import { clusterAuthorization, startApiServer, type AuthenticationSettings, type ListenAddress, type RunningServer } from '#libs/server';

const LOOPBACK = '127.0.0.1';

/** The API server as a service of its app: on loopback, and where pods reach it. */
export class ApiServerService implements HostedService {
  readonly name = 'apiserver';
  private server: RunningServer | undefined;
  private audit: AuditStream | undefined;

  constructor(private readonly plane: ControlPlane) {}

  conditions(): readonly Condition[] {
    return this.plane.conditions.all;
  }

  get ready(): boolean {
    return this.server !== undefined;
  }

  async start(): Promise<void> {
    const { config, view, log, history, writePath, caller, world, logger, metrics, tracing, pki } = this.plane;
    const listen = listenAddresses(config);
    this.audit = await this.plane.audit();
    this.server = await startApiServer({
      cluster: config.cluster,
      view,
      log,
      history,
      writePath,
      caller,
      conditions: () => this.plane.conditions.all,
      audit: this.audit,
      world,
      logger,
      metrics,
      tracing,
      metricsText: () => metrics.text(),
      listen,
      tls: { cert: pki('apiserver.crt'), key: pki('apiserver.key'), clientCa: pki('ca.crt') },
      tokens: {
        signingKey: pki('sa.key'),
        verifyingKeys: [pki('sa.pub')],
        issuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
      },
      authentication: authenticationOf(config, pki('front-proxy-ca.crt')),
      kubelet: { cert: pki('kubelet-client.crt'), key: pki('kubelet-client.key'), ca: pki('ca.crt') },
      ...clusterAuthorization(view),
      frontProxy: { cert: pki('front-proxy-client.crt'), key: pki('front-proxy-client.key') },
      ...(config.simulationFile === undefined ? {} : { isProxyable: () => false }),
      ...descriptionsOf(config),
      settings: { readsFrom: config.readsFrom, compactionHorizonMs: config.compactionHorizonMinutes * 60_000, lost: this.plane.lost },
    });
    logger.info('serving', { addresses: listen.map(({ host, port }) => `${host}:${port}`) });
  }

  async stop(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
    await this.audit?.close();
    this.audit = undefined;
  }
}

/** Where it is told to listen; else where clients reach it. */
function listenAddresses({ apiListen, apiPort, advertiseAddress }: ControlPlaneConfig): readonly ListenAddress[] {
  if (apiListen !== undefined) return apiListen;
  return [...new Set([LOOPBACK, advertiseAddress])].map((host) => ({ host, port: apiPort }));
}

/** The file may be gone by now: documents then say nothing, which is no reason not to serve. */
function descriptionsOf({ descriptionsFile }: ControlPlaneConfig): { readonly descriptions?: Descriptions } {
  if (descriptionsFile === undefined || !existsSync(descriptionsFile)) return {};
  return { descriptions: JSON.parse(readFileSync(descriptionsFile, 'utf8')) as Descriptions };
}

function authenticationOf({ tokenAuthFile, authenticationConfig }: ControlPlaneConfig, clientCa: string): AuthenticationSettings {
  return {
    requestHeader: { clientCa, allowedNames: ['front-proxy-client'] },
    ...(tokenAuthFile === undefined ? {} : { tokenFile: readFileSync(tokenAuthFile, 'utf8') }),
    ...(authenticationConfig === undefined ? {} : { configuration: readFileSync(authenticationConfig, 'utf8') }),
  };
}
