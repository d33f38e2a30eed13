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
