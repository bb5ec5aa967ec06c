import { createRequire } from 'node:module';
import tseslint from 'typescript-eslint';

const { PURE_ROOMS } = createRequire(import.meta.url)('./tools/rooms.cjs');
const PURE = PURE_ROOMS.map((room) => `libs/${room}/src/**/*.ts`);
const WORLD = [
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'console',
  'Buffer',
];

export default [
  { ignores: ['dist/**', 'node_modules/**', 'libs/api/src/generated/**'] },
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { project: './tsconfig.json' } },
    plugins: { ts: tseslint.plugin },
    rules: {
      'ts/no-explicit-any': 'error',
      'ts/no-non-null-assertion': 'error',
      'ts/no-floating-promises': 'error',
      'ts/no-misused-promises': ['error', { checksVoidReturn: false }],
      'ts/await-thenable': 'error',
      'ts/consistent-type-imports': 'error',
      'ts/switch-exhaustiveness-check': ['error', { allowDefaultCaseForExhaustiveSwitch: true, considerDefaultExhaustiveForUnions: true }],
      'ts/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.spec.ts', 'libs/testing/**/*.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off', 'ts/no-non-null-assertion': 'off' },
  },
  {
    files: PURE,
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-globals': ['error', ...WORLD.map((name) => ({ name, message: 'Pure room: take it as an argument.' }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure room: take `now` as an argument.' },
        { object: 'Math', property: 'random', message: 'Pure room: take the value as an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Pure room: take `now` as an argument.' },
        { selector: ':function[async=true]', message: 'Pure room: nothing here waits.' },
        { selector: 'Decorator', message: 'Pure room: no framework.' },
      ],
    },
  },
];
