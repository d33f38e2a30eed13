/**
 * Scoring: pure maths over plain data, the only door to the room. No I/O, no clock, no environment.
 */
export { catalogueEntry, isProprietarySpn, spnCatalogue } from './j1939/catalogue.ts';
export type { CatalogueEntry } from './j1939/catalogue-entry.ts';
export { controllerName } from './j1939/catalogue/network.ts';
export { describeFault, isStopCode, maxShortTextLength, shortFaultText } from './j1939/describe-fault.ts';
export { decodeDm1, type Dm1, type Dm1Code, type LampFlash, type LampState, type TruncatedDm1 } from './j1939/dm1.ts';
export { failureMode, type FailureMode } from './j1939/fmi.ts';
export { decodeVin, vinCheckDigit, type DecodedVin, type VinProblem } from './vin/decode-vin.ts';
export { manufacturerOfWmi } from './vin/wmi.ts';
export { emptyFeatures, exampleFeatures, exampleModels } from './risk/examples.ts';
export { explain } from './risk/explain.ts';
export { defaultModels, defaultWeights, faultsModelVersion, observedDaysNeeded } from './risk/models.ts';
export { componentOf } from './risk/points.ts';
export { levelOf, scoreVehicle } from './risk/score-vehicle.ts';
export { anomalyScore, fitIsolationForest, type IsolationForestModel } from './anomaly/isolation-forest.ts';
export { cusum, ewma, type Cusum, type CusumInput } from './anomaly/drift.ts';
export { faultRateSurprise, fitFaultRatePrior } from './anomaly/fault-rate.ts';
export type { FaultRatePrior, FaultRateSurprise } from './anomaly/fault-rate.ts';
export { robustZ } from './anomaly/robust-z.ts';
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
