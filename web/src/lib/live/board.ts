/** The wall board's rows: the worst trucks, each in words that are read at five metres. Pure. */
import type { LiveAlert } from '#contracts/live';
import type { RecommendedAction, RiskLevel } from '#contracts/risk';
import type { VehicleStatus } from '#contracts/vehicles';
import { wallText, wallUnit } from '#contracts/wall-text';
import { riskLook } from '../format/states.ts';
import type { AttentionTruck } from './attention.ts';

/** More than anybody waits for on a wall: four pages of twelve. How many more there are is said in a number. */
export const boardRowsMax = 48;

export interface BoardRow {
  id: string;
  unitNumber: string;
  tenantId: string;
  riskLevel: RiskLevel | null;
  what: string;
  action: RecommendedAction | null;
  /** Since when something is wrong; null when no alert says it. */
  since: string | null;
  /** The time of the truck's latest reading. */
  at: string | null;
  status: VehicleStatus;
  isTaken: boolean;
}

/** An alert of the risk itself says how bad, not what. */
const namesCause = (alert: LiveAlert | null): boolean => alert !== null && alert.type !== 'risk';

/**
 * The first rows of a board. What is wrong is the worst alert's title; without an alert the strongest reason of the latest
 * prediction (`reasons`, by vehicle), without either the risk in words.
 */
export function boardRows(attention: readonly AttentionTruck[], reasons: ReadonlyMap<string, string>): BoardRow[] {
  return attention.slice(0, boardRowsMax).map(({ vehicle, topAlert, alertCount }) => {
    const more = alertCount > 1 ? ` +${alertCount - 1} more` : '';
    return {
      id: vehicle.id,
      unitNumber: wallUnit(vehicle.unitNumber),
      tenantId: vehicle.tenantId,
      riskLevel: vehicle.riskLevel,
      what: wallText(
        topAlert !== null && namesCause(topAlert)
          ? `${topAlert.title}${more}`
          : (reasons.get(vehicle.id) ?? topAlert?.title ?? `${riskLook(vehicle.riskLevel).word} risk`),
      ),
      action: vehicle.recommendedAction,
      since: topAlert?.openedAt ?? null,
      at: vehicle.at,
      status: vehicle.status,
      isTaken: topAlert?.status === 'acknowledged',
    };
  });
}

/** The trucks on the board whose words must come from a prediction, with the score that the words belong to. */
export const rowsWithoutWords = (attention: readonly AttentionTruck[]): { id: string; riskScore: number | null }[] =>
  attention
    .slice(0, boardRowsMax)
    .filter(({ topAlert }) => !namesCause(topAlert))
    .map(({ vehicle }) => ({ id: vehicle.id, riskScore: vehicle.riskScore }));

/**
 * Where the board is drawn, in pixels from its place: a slow walk round a small square, so that no edge burns in.
 * `step` counts minutes.
 */
export function pixelShift(step: number): { x: number; y: number } {
  const walk = [
    [0, 0],
    [2, 0],
    [4, 0],
    [4, 2],
    [4, 4],
    [2, 4],
    [0, 4],
    [0, 2],
  ] as const;
  const [x, y] = walk[((step % walk.length) + walk.length) % walk.length] ?? [0, 0];
  return { x, y };
}
