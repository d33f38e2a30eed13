/**
 * Scoring: pure maths over plain data, the only door to the room. No I/O, no clock, no environment.
 */
export { catalogueEntry, isProprietarySpn, spnCatalogue } from './j1939/catalogue.ts';
export type { CatalogueEntry } from './j1939/catalogue-entry.ts';
export { controllerName } from './j1939/catalogue/network.ts';
export { describeFault, faultSources, isStopCode, maxShortTextLength, shortFaultText } from './j1939/describe-fault.ts';
export type { FaultSources } from './j1939/describe-fault.ts';
export type { FactSource } from './j1939/sources.ts';
export {
  decodeDm1,
  decodeDm2,
  type Dm1,
  type Dm1Code,
  type LampFlash,
  type LampState,
  type TruncatedDm1,
} from './j1939/dm1.ts';
export { failureMode, type FailureMode } from './j1939/fmi.ts';
export { decodeVin, vinCheckDigit, type DecodedVin, type VinProblem } from './vin/decode-vin.ts';
export { manufacturerOfWmi } from './vin/wmi.ts';
export type { FeatureDefinition, FeatureGroup } from './features/feature-list.ts';
export { featureList, featureListVersion, featureNames, type FeatureName } from './features/feature-list.ts';
export { featureVector } from './features/feature-vector.ts';
export { jointSignalRow, signalZScores, type ModelBaseline, type SignalZ } from './features/signal-z.ts';
export { emptyFeatures, exampleFeatures, exampleModels } from './risk/examples.ts';
export { explain } from './risk/explain.ts';
export {
  defaultModels,
  defaultWeights,
  faultsModelVersion,
  observedDaysNeeded,
  untrainedModels,
} from './risk/models.ts';
export { componentOf } from './risk/points.ts';
export { levelOf, scoreVehicle, scoreVehicles } from './risk/score-vehicle.ts';
export { anomalyScore, fitIsolationForest, type IsolationForestModel } from './anomaly/isolation-forest.ts';
export { cusum, ewma, type Cusum, type CusumInput } from './anomaly/drift.ts';
export { faultRateDays, faultRateSurprise, fitFaultRatePrior } from './anomaly/fault-rate.ts';
export type { FaultRatePrior, FaultRateSurprise } from './anomaly/fault-rate.ts';
export { robustZ } from './anomaly/robust-z.ts';
export { baselineDays, oddities, signalStates } from './anomaly/signal-baselines.ts';
export type { SignalDayMean, SignalDrift, SignalState } from './anomaly/signal-baselines.ts';
export { applyCalibration, type Calibration, type CalibrationInput } from './calibration/calibration-model.ts';
export { calibrateIsotonic } from './calibration/isotonic.ts';
export { calibratePlatt } from './calibration/platt.ts';
export { fitGradientTrees } from './trees/fit-gradient-trees.ts';
export { predictSurvival, predictTrees } from './trees/predict.ts';
export type { GradientTreesModel, TreeFitInput, TreeFitParams } from './trees/tree-model.ts';
export { brierScores, integratedBrier, type BrierInput } from './survival/brier.ts';
export { concordance } from './survival/concordance.ts';
export { fitCoxPh, type CoxFit, type CoxInput } from './survival/cox.ts';
export { predictCoxSurvival, type Baseline } from './survival/cox-baseline.ts';
export { dCalibration, type DCalibration } from './survival/d-calibration.ts';
export { kaplanMeier, type KaplanMeier } from './survival/kaplan-meier.ts';
export { isRefusal, type Refusal, type RefusalKind } from './survival/refusal.ts';
export { timeDependentAuc } from './survival/time-dependent-auc.ts';
export { unoConcordance } from './survival/uno-concordance.ts';
export { fitWeibullAft, predictWeibullSurvival, type WeibullFit, type WeibullInput } from './survival/weibull.ts';
export { daysToFailure, failureChances, forecast, forecastSurvival, mostDaysAhead } from './forecast/forecast.ts';
export type { DaysToFailure, FailureChances, Forecast } from './forecast/forecast.ts';
export { outcomeAfter, type Outcome } from './training/outcome.ts';
export {
  canonicalTrainingData,
  fitRecipe,
  judgeRecipes,
  planTraining,
  refitChosen,
  trainModel,
} from './training/train-model.ts';
export type {
  ActiveModel as ActiveRecipe,
  Comparison,
  FittedRecipe,
  GlobalPrior,
  Judgement,
  LandmarkRow,
  ModelRecipe,
  TrainedModel,
  TrainingInput,
  TrainingOptions,
  TrainingPlan,
  VehicleSignals,
} from './training/training-types.ts';
export { calibratedSurvival } from './forecast/forecast.ts';
export { compareOutOfTime } from './training/compare.ts';
export { evaluatePredictions } from './training/evaluate.ts';
export { fitAnomalyModel } from './training/fit-anomaly.ts';
export { thinLandmarks } from './training/landmarks.ts';
export { fitPriorCorrection } from './training/prior-correction.ts';
export { everyLifetime, trainPrior } from './training/train-prior.ts';
export type { PriorParams, TrainedPrior, TriedParams } from './training/train-prior.ts';
export type { Lifetimes } from './training/landmarks.ts';
export { globalPrior } from './prior/global-prior.ts';
