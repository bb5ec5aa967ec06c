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

/** What talks to servers waits for disks and for whoever else uses the machine: only what hangs is to fail. */
const PATIENT = { setupFilesAfterEnv: ['<rootDir>/tools/patient.cjs'] };

/** The tiers by file name: what a spec needs is in its suffix (docs/hacking.md). */
module.exports = {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['**/*.spec.ts'], testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$'] },
    { ...base, ...PATIENT, displayName: 'int', testMatch: ['**/*.int.spec.ts'] },
    { ...base, ...PATIENT, displayName: 'e2e', testMatch: ['**/*.e2e.spec.ts'] },
  ],
};
