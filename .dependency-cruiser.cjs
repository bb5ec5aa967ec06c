/** The house plan, executable (tools/rooms.cjs is the table): whatever is not listed there is forbidden. */
const { PURE_ROOMS, MAY_IMPORT, PURE_PACKAGES, DRIVERS, COMPOSERS } = require('./tools/rooms.cjs');

const any = (names) => `(${names.join('|')})`;
const SPEC = '\\.(spec|contract)\\.ts$';
const LOCAL = ['local', 'aliased', 'aliased-subpath-import', 'type-only'];

const rooms = Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
  name: `${room}-imports-only-its-own`,
  severity: 'error',
  comment: `${room} may import: ${allowed.join(', ') || 'nothing'}`,
  from: { path: `^libs/${room}/`, pathNot: SPEC },
  to: {
    path: '^(libs|apps|test|bench|tools|migrations)/',
    pathNot: `^(libs/${any([room, ...allowed])}/src/${allowed.includes('migrations') ? '|migrations/index\\.ts$' : ''})`,
  },
}));

const pure = PURE_ROOMS.map((room) => ({
  name: `${room}-does-no-io`,
  severity: 'error',
  comment: 'Pure rooms are arithmetic: no node builtins, and packages only by the list in tools/rooms.cjs.',
  from: { path: `^libs/${room}/`, pathNot: SPEC },
  to: {
    dependencyTypesNot: LOCAL,
    ...(PURE_PACKAGES[room]?.length ? { pathNot: `node_modules/${any(PURE_PACKAGES[room])}/` } : {}),
  },
}));

module.exports = {
  forbidden: [
    ...rooms,
    ...pure,
    {
      name: 'every-room-is-in-the-table',
      severity: 'error',
      from: { path: '^libs/', pathNot: `^libs/${any([...Object.keys(MAY_IMPORT), 'testing'])}/` },
      to: {},
    },
    {
      name: 'drivers-only-in-adapters',
      severity: 'error',
      from: { pathNot: `(^libs/(adapters|node-adapters|testing)/|^migrations/|${SPEC})` },
      to: { path: `node_modules/${any(DRIVERS)}/` },
    },
    {
      name: 'nest-only-at-the-edge',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/platform/' },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'testing-only-in-specs',
      severity: 'error',
      from: { pathNot: `(${SPEC}|^libs/testing/|^test/|^bench/)` },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'apps-do-not-import-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: `^apps/${any(COMPOSERS)}/` },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'doors-not-windows',
      severity: 'error',
      comment: 'Enter a room through its index.ts.',
      from: { path: '^(libs|apps|test|bench)/([^/]+)/' },
      to: { path: '^(libs|apps)/([^/]+)/src/.+', pathNot: ['^(libs|apps)/[^/]+/src/index\\.ts$', '^$1/$2/'] },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'] },
  },
};
