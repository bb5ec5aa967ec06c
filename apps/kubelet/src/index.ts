export { KubeletConfig } from './config.js';
export { startKubelet, type RunningKubelet } from './kubelet.js';
export { SimulatedRuntime } from './simulated-runtime.js';
