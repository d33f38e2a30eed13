/**
 * What training takes in and what its steps hand on. Everything is plain JSON: a Workflow runs the steps one by one and keeps
 * what lies between them. Only the input is large (landmarks with their vectors); every step is given the same input again.
 */
import type { VehicleFeatures } from '#contracts/risk';
import type { ModelLineage, modelRecipes } from '#contracts/scoring';
import type {
  AnomalyModel,
  Calibrations,
  HazardTrees,
  ModelArtefact,
  ModelQuality,
  PriorCorrection,
} from '#contracts/scoring-models';
import type { ServiceEventKind } from '#contracts/service-events';
import type { FeatureDefinition } from '../features/feature-definition.ts';

export type ModelRecipe = (typeof modelRecipes)[number];

/** One vehicle at one time, as it was known then. */
export interface LandmarkRow {
  vehicleId: string;
  /** When the vector was made (a prediction's `createdAt`). */
  at: string;
  /** The feature vector in the order of `featureNames`; null unknown. */
  x: readonly (number | null)[];
}

export interface TrainingEvent {
  vehicleId: string;
  at: string;
  kind: ServiceEventKind;
}

/** One vehicle as the anomaly model sees it; several of one vehicle at different times may be given. */
export interface VehicleSignals {
  make: string | null;
  model: string | null;
  /** As in `signal_states`. */
  signals: VehicleFeatures['signals'];
  /** Fault codes first seen in the last 30 days (`faultRateDays`), as scoring counts them. */
  faultsOpened: number;
  /** Days the truck has been watched. */
  observedDays: number;
}

export interface TrainingInput {
  /** In any order; thinned to one per vehicle and week, at most 20,000 are used. */
  landmarks: readonly LandmarkRow[];
  /** Service events of those vehicles; those after `until` are not looked at. */
  events: readonly TrainingEvent[];
  vehicles: readonly VehicleSignals[];
  /** Now: what is known ends here. */
  until: string;
  /** The declared features that the vectors follow; the current list unless given. */
  features?: readonly FeatureDefinition[] | undefined;
}

/** The global prior as it comes with the product. */
export interface GlobalPrior {
  version: string;
  trainedAt: string;
  artefact: ModelArtefact;
  quality: ModelQuality;
}

/** The model in use: null stands for the prior. */
export interface ActiveModel {
  recipe: ModelRecipe;
  /** Failures it learned from, and until when (its lineage's `failures` and `dataUntil`). */
  failures: number;
  dataUntil?: string | null;
}

export interface TrainingOptions {
  seed: number;
  /** Of the new model; unique within the tenant. */
  version: string;
}

/** Which rows are used, where time is cut, what may be tried. */
export interface TrainingPlan {
  seed: number;
  /** Places in `input.landmarks`, in the order of training: by time, then vehicle. */
  rows: number[];
  from: string;
  until: string;
  /** Landmarks before it teach, with outcomes as they were known then; later ones judge. */
  splitAt: string;
  landmarks: number;
  vehicles: number;
  /** Failures that end at least one landmark, each counted once. */
  failures: number;
  early: { landmarks: number; failures: number };
  late: { landmarks: number; failures: number };
  recipes: ModelRecipe[];
}

/** A recipe followed up to some time: the learned parts only, small enough for the result of a step. */
export interface FittedRecipe {
  recipe: ModelRecipe;
  correction: PriorCorrection | null;
  /** Own trees; null where the prior's are used. */
  trees: HazardTrees | null;
  calibration: Calibrations | null;
}

/** Held-back quality of one recipe. */
export interface JudgedRecipe {
  recipe: ModelRecipe;
  quality: ModelQuality;
}

/** Whether a new model takes over, and why, in words. */
export interface Comparison {
  isPromoted: boolean;
  reason: string;
}

export interface Judgement extends Comparison {
  /** The best recipe out of time: the one to refit on everything. */
  chosen: JudgedRecipe;
  /** The recipe in use, judged on the same rows. */
  incumbent: JudgedRecipe;
  judged: JudgedRecipe[];
}

export interface TrainedModel {
  artefact: ModelArtefact;
  /** `dataDigest` is empty: the caller hashes `canonicalTrainingData` (SHA-256, hex) and fills it in. */
  lineage: ModelLineage;
  /** Of the chosen recipe on the held-back landmarks, before they were learned from. */
  quality: ModelQuality;
  recipe: ModelRecipe;
}

export type { AnomalyModel };
