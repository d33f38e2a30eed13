/** Reports: GET /reports/prediction-accuracy. */
import { oneOf } from '#contracts/primitives';
import { predictionAccuracyQuerySchema, predictionAccuracySchema } from '#contracts/scoring';
import { readScopeOf } from '../../http/authenticate.ts';
import { AppError } from '../../http/errors.ts';
import { countRequest } from '../../http/rate-limit.ts';
import { answer, errors, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { accuracyOf, spanOf } from './accuracy-rules.ts';
import { readAccuracy } from './accuracy-store.ts';

/** What a person looking around needs; everything else is D1's. */
const reportsPerMinute = 30;

export const reportRoutes = router().openapi(
  signedInRoute(
    { permission: 'reports:read' },
    {
      method: 'get',
      path: '/reports/prediction-accuracy',
      tags: ['Reports'],
      summary: 'How predictions compare with what happened, the trivial baseline beside them',
      description:
        'Of predictions made between `from` and `to`, in whole UTC days (the last 180 unless told, at most three years). ' +
        'A prediction is judged once its horizon has passed or a failure has decided it; one that preventive work cut ' +
        'short is counted as censored and not judged. Who belongs to no organisation names one with `tenantId`. At most ' +
        '30 reports a minute.',
      request: { query: predictionAccuracyQuerySchema },
      responses: {
        200: answer(oneOf(predictionAccuracySchema), 'The report'),
        ...errors(...signedInErrors, 'NOT_FOUND'),
      },
    },
  ),
  async (c) => {
    const query = c.req.valid('query');
    const { tenant, id } = c.get('caller');
    if (tenant === null && query.tenantId === undefined) {
      const message = 'name the organisation whose predictions are to be judged';
      const details = { issues: [{ path: 'tenantId', message }] };
      throw new AppError('VALIDATION_FAILED', `tenantId: ${message}`, { details });
    }
    // Everything is added up anew each time, over half a year and more.
    await countRequest(c, `report:${id}`, reportsPerMinute);
    const scope = await readScopeOf(c, query.tenantId);
    const span = spanOf(query, c.get('now'));
    if ('problem' in span) throw new AppError('VALIDATION_FAILED', `from: ${span.problem}`);
    const { modelVersion } = query;
    const nowIso = c.get('now').toISOString();
    const figures = await readAccuracy(scope, c.get('db'), { span, modelVersion, nowIso }).catch((cause: unknown) => {
      const message = 'The report cannot be made right now. Try again in a moment, or ask for a shorter span.';
      throw new AppError('UNAVAILABLE', message, { cause });
    });
    return c.json({ data: accuracyOf(span, figures, modelVersion) }, 200);
  },
);
