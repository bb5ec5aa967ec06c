import { Module, type DynamicModule } from '@nestjs/common';
import { CONTROL_PLANE, hostedModule, type ControlPlane } from '#libs/platform';
import { ApiServerService } from './apiserver-service.js';

/** Token of this app's service. */
export const API_SERVER = Symbol('API_SERVER');

@Module({})
class ApiServerModule {}

/** The Kubernetes API. */
export const apiServerModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(ApiServerModule, [plane], API_SERVER, [CONTROL_PLANE], (over: ControlPlane) => new ApiServerService(over));
