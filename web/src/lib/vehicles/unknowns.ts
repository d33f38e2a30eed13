/** What a score could not know, and why: an unknown is named, never filled in. Pure. */
import type { DataStatus, Prediction } from '#contracts/risk';
import type { Vehicle } from '#contracts/vehicles';

/** Scoring asks for one thing when what is missing is not days of history but a model. */
const modelMissing = 1;

/** What a forecast lacks: days of history, or a model; null when nothing. */
export function missingHistory(
  status: DataStatus,
): { kind: 'history'; have: number; need: number } | { kind: 'model' } | null {
  if (status === 'ok') return null;
  if (status.need === modelMissing) return { kind: 'model' };
  return { kind: 'history', have: Math.floor(status.have), need: status.need };
}

export interface Unknown {
  what: string;
  why: string;
}

/** The gaps in one truck's picture, the most useful first. */
export function unknownsOf(vehicle: Vehicle, latest: Prediction | null): Unknown[] {
  const unknowns: Unknown[] = [];
  if (latest === null) {
    unknowns.push({ what: 'Risk and health', why: 'This truck has not been scored yet; the next sync will.' });
  } else {
    const missing = missingHistory(latest.dataStatus);
    const need =
      missing?.kind === 'history'
        ? `Too little history: observed for ${missing.have} of the ${missing.need} days needed.`
        : 'No trained model covers this truck yet.';
    if (latest.failureProbability === null)
      unknowns.push({ what: 'Chance of a failure in 7, 30 and 90 days', why: need });
    if (latest.daysToFailure === null) unknowns.push({ what: 'Remaining life', why: need });
    else if (latest.dataStatus !== 'ok') unknowns.push({ what: 'Part of the score', why: need });
  }
  if (vehicle.lastPosition === null)
    unknowns.push({ what: 'Position', why: 'No reading was ever received from this truck.' });
  if (vehicle.currentOdometer === null)
    unknowns.push({ what: 'Odometer', why: 'Neither the portal nor telematics has reported it.' });
  if (vehicle.engineHours === null)
    unknowns.push({ what: 'Engine hours', why: 'Neither the portal nor telematics has reported them.' });
  if (vehicle.year === null || vehicle.model === null) {
    unknowns.push({ what: 'Model', why: 'The source did not give the model or the year.' });
  }
  return unknowns;
}
