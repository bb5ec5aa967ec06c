import { Module, type DynamicModule } from '@nestjs/common';
import { CONTROL_PLANE, hostedModule, type ControlPlane } from '#libs/platform';
import { SimulatorService } from './simulator-service.js';

/** Token of this app's service. */
export const SIMULATOR = Symbol('SIMULATOR');

@Module({})
class SimulatorModule {}

/** Nodes that only pretend, inside the control plane's own process, and the start of its clock. The last service to start. */
export const simulatorModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(SimulatorModule, [plane], SIMULATOR, [CONTROL_PLANE], (over: ControlPlane) => new SimulatorService(over));
