/** Rows → contract, by allow-list: where an artefact lies stays inside. */
import type { ActiveModel, ScoringModel, TrainingRun } from '#contracts/scoring';
import type { GlobalPrior } from '#scoring';
import type { ScoringModelRow } from './registry-store.ts';
import type { TrainingRunRow } from './runs-store.ts';

export const toScoringModel = (row: ScoringModelRow): ScoringModel => ({
  id: row.id,
  version: row.version,
  status: row.status,
  createdAt: row.createdAt,
  activatedAt: row.activatedAt,
  retiredAt: row.retiredAt,
  reason: row.reason,
  lineage: row.lineage,
  quality: row.quality,
  artefactDigest: row.artefactDigest,
  artefactBytes: row.artefactBytes,
});

export const toActiveModel = (
  { model, isPinned }: { model: ScoringModelRow | null; isPinned: boolean },
  prior: GlobalPrior,
): ActiveModel => ({
  version: model?.version ?? prior.version,
  model: model === null ? null : toScoringModel(model),
  prior: { version: prior.version, trainedAt: prior.trainedAt, quality: prior.quality },
  isPinned,
});

export const toTrainingRun = (row: TrainingRunRow): TrainingRun => ({
  id: row.id,
  status: row.status,
  trigger: row.trigger,
  startedAt: row.startedAt,
  finishedAt: row.finishedAt,
  progress: { step: row.progress.step, share: row.progress.share },
  outcome:
    row.outcome === null ? null : { kind: row.outcome.kind, reason: row.outcome.reason, modelId: row.outcome.modelId },
  error: row.error,
});
