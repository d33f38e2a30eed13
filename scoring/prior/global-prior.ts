/**
 * The prior that comes with the product: what scores are made with until a tenant's own failures say otherwise. Written by
 * `npm run train`; its page is README.md. The cast is checked by the test beside this file, not at every start of the Worker.
 */
import type { GlobalPrior } from '../training/training-types.ts';
import stored from './global-prior.json' with { type: 'json' };

export const globalPrior: GlobalPrior = stored as unknown as GlobalPrior;
