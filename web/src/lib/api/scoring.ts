/** Scoring: one truck now, the settings of risk, the models and their training. Each throws ApiFailure. */
import { predictionSchema, type Prediction } from '#contracts/risk';
import type {
  ActiveModel,
  RiskPreview,
  RiskSettings,
  RiskSettingsInput,
  ScoringModel,
  TrainingRun,
} from '#contracts/scoring';
import { answer, answerWithTag, api, type Tagged } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

/** Read by the contract, as the list of predictions is. */
export const scoreNow = async (vehicleId: string): Promise<Prediction> =>
  predictionSchema.parse(
    (await answer(api.POST('/api/v1/vehicles/{id}/score', { params: { path: { id: vehicleId } } }))).data,
  );

export const getRiskSettings = (scope: TenantScope): Promise<Tagged<RiskSettings>> =>
  answerWithTag(api.GET('/api/v1/scoring/settings', { params: { query: scope } }));

/** Refused with PRECONDITION_FAILED when somebody has changed them since they were read as `tag`. */
export const saveRiskSettings = (
  scope: TenantScope,
  input: RiskSettingsInput,
  tag: string | null,
): Promise<Tagged<RiskSettings>> =>
  answerWithTag(
    api.PUT('/api/v1/scoring/settings', {
      params: { query: scope },
      body: input,
      ...(tag === null ? {} : { headers: { 'If-Match': tag } }),
    }),
  );

/** Today's fleet under other settings; changes nothing. */
export const previewRiskSettings = async (scope: TenantScope, input: RiskSettingsInput): Promise<RiskPreview> =>
  (await answer(api.POST('/api/v1/scoring/settings/preview', { params: { query: scope }, body: input }))).data;

export const getActiveModel = async (scope: TenantScope): Promise<ActiveModel> =>
  (await answer(api.GET('/api/v1/scoring/active-model', { params: { query: scope } }))).data;

/** null chooses the prior that comes with the product. */
export const chooseModel = async (
  scope: TenantScope,
  modelId: string | null,
  isPinned: boolean,
): Promise<ActiveModel> =>
  (await answer(api.PUT('/api/v1/scoring/active-model', { params: { query: scope }, body: { modelId, isPinned } })))
    .data;

/** Newest first. */
export const listModels = (query: TenantScope & { page?: number; pageSize?: number }): Promise<Page<ScoringModel>> =>
  answer(api.GET('/api/v1/scoring/models', { params: { query: paged(query) } }));

/** The id of the run. Refused with CONFLICT, whose details hold the id, while one is under way. */
export const startTraining = async (scope: TenantScope): Promise<string> =>
  (await answer(api.POST('/api/v1/scoring/training-runs', { params: { query: scope } }))).data.id;

export const getTrainingRun = async (scope: TenantScope, id: string): Promise<TrainingRun> =>
  (await answer(api.GET('/api/v1/scoring/training-runs/{id}', { params: { path: { id }, query: scope } }))).data;

/** Newest first. */
export const listTrainingRuns = async (scope: TenantScope, limit: number): Promise<TrainingRun[]> =>
  (await answer(api.GET('/api/v1/scoring/training-runs', { params: { query: { ...scope, limit: String(limit) } } })))
    .data;
