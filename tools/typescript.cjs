/**
 * Lets node run the sources as they are: `node -C source -r ./tools/typescript.cjs apps/projector/src/main.ts`. For specs that need a
 * process of its own to kill or to stop; what is deployed is built.
 */
const Module = require('node:module');
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

const options = {
  jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true } },
  module: { type: 'commonjs' },
};

Module._extensions['.ts'] = (module, filename) =>
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);

const resolve = Module._resolveFilename;
Module._resolveFilename = (request, parent, ...rest) => {
  const isOurs = request.startsWith('.') && request.endsWith('.js') && parent?.filename?.endsWith('.ts');
  return resolve(isOurs ? `${request.slice(0, -3)}.ts` : request, parent, ...rest);
};
