/**
 * Cox's partial likelihood with its gradient and information, by Efron (1977) or Breslow (1974) at ties, in one pass over the
 * risk sets: O(n·p²).
 *
 * The weighted mean and scatter of the risk set are updated row by row (West 1979), never as differences of raw moments, so
 * that an outlier that has not joined yet, or has left, costs the others no digits. Weights are exp(η − shift) with a shift
 * that follows the largest η; after a removal that leaves little of the sums they are summed again from scratch.
 */
import type { RiskSets } from './risk-sets.ts';

export type Ties = 'efron' | 'breslow';

export interface CoxDerivatives {
  logLikelihood: number;
  gradient: Float64Array;
  /** Observed information, lower triangle of a row-major width × width matrix. */
  information: Float64Array;
  /** Logarithm of the hazard's increment at each block, for z = 0. */
  logHazard: Float64Array;
}

/** Sums over who is at risk: total weight, weighted mean of z, weighted scatter about it. */
interface AtRisk {
  shift: number;
  weight: number;
  mean: Float64Array;
  scatter: Float64Array;
  present: number;
  peakWeight: number;
  peakScatter: Float64Array;
}

/** Raising the shift only when a weight would pass e^50 keeps rescaling rare and every weight far from overflow. */
const shiftSlack = 50;
/** What is left of a sum after removals below which its rounding error is no longer negligible. */
const leastLeft = 1e-6;

export const coxDerivatives = (sets: RiskSets, z: Float64Array, beta: Float64Array, ties: Ties): CoxDerivatives => {
  const { event, blockCount, blockStart, stratumStart, block, lastBlock, leaving } = sets;
  const width = beta.length;
  const size = sets.rows.length;
  const eta = new Float64Array(size);
  for (let place = 0; place < size; place++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (z[place * width + j] as number) * (beta[j] as number);
    eta[place] = sum;
  }

  const gradient = new Float64Array(width);
  const information = new Float64Array(width * width);
  const logHazard = new Float64Array(blockCount);
  let logLikelihood = 0;
  const risk: AtRisk = {
    shift: 0,
    weight: 0,
    mean: new Float64Array(width),
    scatter: new Float64Array(width * width),
    present: 0,
    peakWeight: 0,
    peakScatter: new Float64Array(width),
  };
  const { mean, scatter, peakScatter } = risk;
  const away = new Float64Array(width);
  const failedMean = new Float64Array(width);
  const failedScatter = new Float64Array(width * width);

  const clear = (): void => {
    risk.weight = 0;
    risk.peakWeight = 0;
    risk.present = 0;
    mean.fill(0);
    scatter.fill(0);
    peakScatter.fill(0);
  };

  /** Adds weight w at the row's z to a mean and scatter that hold `before`. */
  const join = (place: number, w: number, before: number, toMean: Float64Array, toScatter: Float64Array): void => {
    const share = w / (before + w);
    const spread = share * before;
    const base = place * width;
    for (let j = 0; j < width; j++) {
      const d = (z[base + j] as number) - (toMean[j] as number);
      away[j] = d;
      toMean[j] = (toMean[j] as number) + share * d;
    }
    if (spread === 0) return;
    for (let j = 0; j < width; j++) {
      const scaled = spread * (away[j] as number);
      const line = j * width;
      for (let k = 0; k <= j; k++) toScatter[line + k] = (toScatter[line + k] as number) + scaled * (away[k] as number);
    }
  };

  const add = (place: number): void => {
    const level = eta[place] as number;
    if (risk.present === 0) risk.shift = level;
    else if (level > risk.shift + shiftSlack) {
      const factor = Math.exp(risk.shift - level);
      risk.weight *= factor;
      risk.peakWeight *= factor;
      for (let i = 0; i < scatter.length; i++) scatter[i] = (scatter[i] as number) * factor;
      for (let j = 0; j < width; j++) peakScatter[j] = (peakScatter[j] as number) * factor;
      risk.shift = level;
    }
    risk.present++;
    const w = Math.exp(level - risk.shift);
    if (w === 0) return;
    join(place, w, risk.weight, mean, scatter);
    risk.weight += w;
  };

  /** Takes a row out again; its weight is what `add` gave it, on today's shift. */
  const remove = (place: number): void => {
    risk.present--;
    if (risk.present === 0) return clear();
    const w = Math.exp((eta[place] as number) - risk.shift);
    const rest = risk.weight - w;
    if (w === 0) return;
    if (!(rest > 0)) {
      risk.weight = 0; // nothing reliable is left: summed again before the next failure
      return;
    }
    const base = place * width;
    const share = w / rest;
    for (let j = 0; j < width; j++) {
      const d = (z[base + j] as number) - (mean[j] as number);
      away[j] = d;
      mean[j] = (mean[j] as number) - share * d;
    }
    const spread = share * risk.weight;
    for (let j = 0; j < width; j++) {
      for (let k = 0; k <= j; k++) {
        scatter[j * width + k] =
          (scatter[j * width + k] as number) - spread * (away[j] as number) * (away[k] as number);
      }
    }
    risk.weight = rest;
  };

  const notePeaks = (): void => {
    risk.peakWeight = Math.max(risk.peakWeight, risk.weight);
    for (let j = 0; j < width; j++)
      peakScatter[j] = Math.max(peakScatter[j] as number, scatter[j * width + j] as number);
  };

  const needsResumming = (): boolean => {
    if (risk.weight < leastLeft * risk.peakWeight) return true;
    for (let j = 0; j < width; j++) {
      if ((scatter[j * width + j] as number) < leastLeft * (peakScatter[j] as number)) return true;
    }
    return false;
  };

  /** Sums the risk set as it stands before block b's own rows join. */
  const resum = (b: number): void => {
    clear();
    let highest = -Infinity;
    const first = blockStart[stratumStart[b] as number] as number;
    const end = blockStart[b] as number;
    for (let place = first; place < end; place++) {
      if ((lastBlock[place] as number) >= b) highest = Math.max(highest, eta[place] as number);
    }
    risk.shift = highest;
    for (let place = first; place < end; place++) {
      if ((lastBlock[place] as number) < b) continue;
      risk.present++;
      const w = Math.exp((eta[place] as number) - highest);
      if (w === 0) continue;
      join(place, w, risk.weight, mean, scatter);
      risk.weight += w;
    }
  };

  let left = 0;
  for (let b = 0; b < blockCount; b++) {
    if (stratumStart[b] === b) clear();
    if (leaving !== null) {
      let removed = false;
      notePeaks();
      while (left < leaving.length) {
        const place = leaving[left] as number;
        if ((lastBlock[place] as number) >= b) break;
        left++;
        // A row of the stratum before has been cleared with it.
        if (stratumStart[block[place] as number] !== stratumStart[b]) continue;
        remove(place);
        removed = true;
      }
      if (removed && risk.present > 0 && needsResumming()) resum(b);
    }
    const start = blockStart[b] as number;
    const end = blockStart[b + 1] as number;
    for (let place = start; place < end; place++) add(place);

    let failures = 0;
    let failedWeight = 0;
    let only = start;
    for (let place = start; place < end; place++) {
      if (event[place] === 0) continue;
      failures++;
      only = place;
      logLikelihood += (eta[place] as number) - risk.shift;
    }
    const total = risk.weight;
    if (failures === 1) {
      logLikelihood -= Math.log(total);
      logHazard[b] = -Math.log(total) - risk.shift;
      for (let j = 0; j < width; j++) {
        gradient[j] = (gradient[j] as number) + (z[only * width + j] as number) - (mean[j] as number);
        const line = j * width;
        for (let k = 0; k <= j; k++) {
          information[line + k] = (information[line + k] as number) + (scatter[line + k] as number) / total;
        }
      }
      continue;
    }

    failedMean.fill(0);
    failedScatter.fill(0);
    for (let place = start; place < end; place++) {
      if (event[place] === 0) continue;
      for (let j = 0; j < width; j++) {
        gradient[j] = (gradient[j] as number) + (z[place * width + j] as number);
      }
      if (ties === 'breslow') continue;
      const w = Math.exp((eta[place] as number) - risk.shift);
      if (w === 0) continue;
      join(place, w, failedWeight, failedMean, failedScatter);
      failedWeight += w;
    }
    // Of d failures at one time the k-th (from 0) finds k/d of their joint weight gone.
    let inverse = 0;
    let ofFailed = 0;
    let ofGap = 0;
    let meanShift = 0;
    for (let k = 0; k < failures; k++) {
      const gone = (k / failures) * failedWeight;
      const rest = total - gone;
      logLikelihood -= Math.log(rest);
      inverse += 1 / rest;
      ofFailed += failedWeight === 0 ? 0 : k / failures / rest;
      ofGap += (total / rest) * (gone / rest);
      meanShift += gone / rest;
    }
    logHazard[b] = Math.log(inverse) - risk.shift;
    for (let j = 0; j < width; j++) {
      const gap = failedWeight === 0 ? 0 : (mean[j] as number) - (failedMean[j] as number);
      away[j] = gap;
      gradient[j] = (gradient[j] as number) - failures * (mean[j] as number) - meanShift * gap;
    }
    for (let j = 0; j < width; j++) {
      const line = j * width;
      for (let k = 0; k <= j; k++) {
        information[line + k] =
          (information[line + k] as number) +
          inverse * (scatter[line + k] as number) -
          ofFailed * (failedScatter[line + k] as number) -
          ofGap * (away[j] as number) * (away[k] as number);
      }
    }
  }
  return { logLikelihood, gradient, information, logHazard };
};
