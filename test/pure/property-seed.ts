/**
 * Property tests try other values at every run, so that they go on finding what nobody thought of. In CI they repeat the
 * same ones: a submission must not fail for a defect that it did not bring.
 */
import fc from 'fast-check';

if (process.env['CI'] !== undefined) fc.configureGlobal({ seed: 20_261_120 });
