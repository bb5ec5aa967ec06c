/** One transformer for our TypeScript and for packages that are ES modules only, which jest can't require. */
const swc = (syntax) => ['@swc/jest', {
  jsc: { target: 'es2023', parser: { syntax, decorators: true }, transform: { legacyDecorator: true } },
  module: { type: 'commonjs' },
}];

const base = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': swc('typescript'), '/node_modules/@marcbachmann/.+\\.js$': swc('ecmascript') },
  transformIgnorePatterns: ['/node_modules/(?!@marcbachmann/)'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^#libs/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^fast-check$': '<rootDir>/tools/fast-check.cjs',
    '^#migrations$': '<rootDir>/migrations/index.ts',
    '^#apps/([^/]+)$': '<rootDir>/apps/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

/** The tiers by file name: what a spec needs is in its suffix (docs/hacking.md). */
module.exports = {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['**/*.spec.ts'], testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$'] },
    { ...base, displayName: 'int', testMatch: ['**/*.int.spec.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['**/*.e2e.spec.ts'] },
  ],
};
