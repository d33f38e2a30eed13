/** Everything about signing in: what stands before the sign-in, and what behind it. */
import { router } from '../../http/routes.ts';
import { arrivalRoutes } from './arrival-routes.ts';
import { mfaRoutes } from './mfa-routes.ts';
import { ownPasswordRoutes, passwordResetRoutes } from './password-routes.ts';
import { ownSessionRoutes } from './session-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';

export const publicAuthRoutes = router();
for (const routes of [signInRoutes, passwordResetRoutes, arrivalRoutes]) publicAuthRoutes.route('/', routes);

export const sessionRoutes = router();
for (const routes of [ownSessionRoutes, ownPasswordRoutes, mfaRoutes]) sessionRoutes.route('/', routes);
