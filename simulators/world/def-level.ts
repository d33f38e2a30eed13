/**
 * The diesel exhaust fluid in a truck's tank: used mile by mile, filled up every few days, and now and then forgotten:
 * then the level falls on until the trouble `def-runs-low` begins, and further until somebody fills it.
 */
import { mixed } from './random.ts';

const dayMs = 86_400_000;
const fullPercent = 96;
/** Where a driver usually fills up; each fill-up has its own. */
const lowestFillUpPercent = 22;
/** Where the first code comes (SPN 1761 FMI 17), and what is left when the tank is called empty. */
const firstCodePercent = 12;
const emptyPercent = 1;

/** A time without a fill-up, ended by the shop. */
export interface ForgottenFillUp {
  onsetMs: number;
  worstMs: number;
  repairedMs: number;
  /** Share of all stages the trouble reached, 0–1. */
  depth: number;
}

export interface DefTank {
  hash: number;
  /** From one fill-up to the next. */
  periodMs: number;
  phaseMs: number;
}

export function defTankOf(hash: number): DefTank {
  const periodMs = (4.5 + (4 * mixed(hash, 1)) / 0x1_0000_0000) * dayMs;
  return { hash, periodMs, phaseMs: (mixed(hash, 2) / 0x1_0000_0000) * periodMs };
}

/** Percent at `intoMs` of the filling with this number. */
function ordinaryLevel(tank: DefTank, filling: number, intoMs: number): number {
  const left = lowestFillUpPercent + (18 * mixed(tank.hash, filling)) / 0x1_0000_0000;
  return fullPercent - ((fullPercent - left) * intoMs) / tank.periodMs;
}

/** Start of the filling that was being used up at an instant. */
const fillingStart = (tank: DefTank, worldMs: number): number =>
  Math.floor((worldMs + tank.phaseMs) / tank.periodMs) * tank.periodMs - tank.phaseMs;

/** Longest time before its onset that a forgotten fill-up can be told from an ordinary one. */
export const longestForgottenMs = 2 * 8.5 * dayMs;

/** The fill-up before a forgotten one: the driver's last, or the shop's if that was later. */
function lastFillBefore(tank: DefTank, onsetMs: number, shopFilledMs: number): number {
  // The filling before the code lasted longer than usual: the fill-up that should have ended it never came.
  const startMs = fillingStart(tank, onsetMs);
  const driverFilledMs = onsetMs - startMs < tank.periodMs * 0.6 ? startMs - tank.periodMs : startMs;
  return Math.max(driverFilledMs, shopFilledMs);
}

/** Level in percent, 0–100, at an instant of world time. `forgotten` is in the order of time. */
export function defLevelAt(tank: DefTank, forgotten: readonly ForgottenFillUp[], worldMs: number): number {
  for (let at = forgotten.length - 1; at >= 0; at -= 1) {
    const one = forgotten[at];
    if (one === undefined) continue;
    const { onsetMs, worstMs, repairedMs, depth } = one;
    const lastFillMs = lastFillBefore(tank, onsetMs, forgotten[at - 1]?.repairedMs ?? -Infinity);
    if (worldMs < lastFillMs) continue;
    if (worldMs < onsetMs) {
      const share = (worldMs - lastFillMs) / (onsetMs - lastFillMs);
      return fullPercent - (fullPercent - firstCodePercent) * share;
    }
    const lowest = firstCodePercent - (firstCodePercent - emptyPercent) * depth;
    if (worldMs < repairedMs) {
      const share = worstMs > onsetMs ? Math.min(1, (worldMs - onsetMs) / (worstMs - onsetMs)) : 1;
      return firstCodePercent - (firstCodePercent - lowest) * share;
    }
    // Full from the shop, until the driver's rhythm goes on.
    if (worldMs < fillingStart(tank, repairedMs) + tank.periodMs) {
      return fullPercent - ((fullPercent - lowestFillUpPercent) * (worldMs - repairedMs)) / tank.periodMs;
    }
    break;
  }
  const startMs = fillingStart(tank, worldMs);
  return ordinaryLevel(tank, Math.round((startMs + tank.phaseMs) / tank.periodMs), worldMs - startMs);
}
