/**
 * fast-check as specs import it: with one seed for all, so that a change is judged by the change and not by chance. FUZZ_SEED
 * is another seed, or `random`; a failure prints the one it was found with.
 */
const fc = require('../node_modules/fast-check/lib/cjs/fast-check.js');

const chosen = process.env.FUZZ_SEED ?? '20260101';
if (chosen !== 'random') fc.configureGlobal({ seed: Number(chosen) });

module.exports = fc;
