import { Module, type DynamicModule } from '@nestjs/common';
import { controllersOf } from '#libs/controller-manager';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';

/** Token of this app's service. */
export const ENDPOINTS = Symbol('ENDPOINTS');

@Module({})
class EndpointsModule {}

/** EndpointSlices and Endpoints. */
export const endpointsModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(
    EndpointsModule,
    [plane],
    ENDPOINTS,
    [CONTROL_PLANE],
    (over: ControlPlane) => new ControllersService('endpoints', over, controllersOf('endpoints', over)),
  );
