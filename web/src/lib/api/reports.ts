/** Reports. Each throws ApiFailure. */
import type { PredictionAccuracy } from '#contracts/scoring';
import { answer, api } from './client.ts';
import type { TenantScope } from './fleet.ts';

export interface AccuracyQuery extends TenantScope {
  from?: string;
  to?: string;
  modelVersion?: string;
}

export const getPredictionAccuracy = async (query: AccuracyQuery): Promise<PredictionAccuracy> =>
  (await answer(api.GET('/api/v1/reports/prediction-accuracy', { params: { query } }))).data;
