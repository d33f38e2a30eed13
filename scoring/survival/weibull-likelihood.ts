/**
 * Log-likelihood of the Weibull accelerated failure time model, log T = μ + β·z + σ·W with W of the smallest extreme value
 * distribution, in (μ, β…, log σ), with gradient and observed information (Kalbfleisch & Prentice, The Statistical Analysis of
 * Failure Time Data, §3.6). A row watched from an age on adds its likelihood given survival to that age.
 */
export interface WeibullData {
  count: number;
  width: number;
  /** Standardised log times, and those of the entries (−Infinity: watched from 0). */
  logTime: Float64Array;
  logEntry: Float64Array;
  event: Uint8Array;
  /** Row-major count × width. */
  z: Float64Array;
}

export interface WeibullDerivatives {
  /** Of the standardised log times; −Infinity where it is not a number. */
  logLikelihood: number;
  gradient: Float64Array;
  /** Lower triangle, row-major, of size width + 2. */
  information: Float64Array;
}

export const weibullDerivatives = (data: WeibullData, parameters: Float64Array): WeibullDerivatives => {
  const { count, width, logTime, logEntry, event, z } = data;
  const size = width + 2;
  const last = size - 1;
  const logScale = parameters[last] as number;
  const rate = Math.exp(-logScale);
  const gradient = new Float64Array(size);
  const information = new Float64Array(size * size);
  const row = new Float64Array(width + 1);
  row[0] = 1;
  let logLikelihood = 0;
  for (let i = 0; i < count; i++) {
    let predictor = parameters[0] as number;
    for (let j = 0; j < width; j++) {
      const value = z[i * width + j] as number;
      row[j + 1] = value;
      predictor += value * (parameters[j + 1] as number);
    }
    const failed = event[i] as number;
    const w = ((logTime[i] as number) - predictor) * rate;
    const hazard = Math.exp(w);
    let byPredictor = (hazard - failed) * rate;
    let byScale = w * (hazard - failed) - failed;
    let curve = hazard;
    let cross = hazard * (1 + w) - failed;
    let scaleCurve = w * (hazard * (1 + w) - failed);
    logLikelihood += failed * (w - logScale) - hazard;
    const since = logEntry[i] as number;
    if (since !== -Infinity) {
      const w0 = (since - predictor) * rate;
      const before = Math.exp(w0);
      logLikelihood += before;
      byPredictor -= before * rate;
      byScale -= w0 * before;
      curve -= before;
      cross -= before * (1 + w0);
      scaleCurve -= w0 * before * (1 + w0);
    }
    curve *= rate * rate;
    cross *= rate;
    for (let j = 0; j <= width; j++) {
      const value = row[j] as number;
      gradient[j] = (gradient[j] as number) + byPredictor * value;
      const line = j * size;
      const scaled = curve * value;
      for (let k = 0; k <= j; k++)
        information[line + k] = (information[line + k] as number) + scaled * (row[k] as number);
      information[last * size + j] = (information[last * size + j] as number) + cross * value;
    }
    gradient[last] = (gradient[last] as number) + byScale;
    information[last * size + last] = (information[last * size + last] as number) + scaleCurve;
  }
  return { logLikelihood: Number.isFinite(logLikelihood) ? logLikelihood : -Infinity, gradient, information };
};

/**
 * Is `direction` (of β) one along which lifetimes can be stretched for ever: by the same for all failures, which the
 * intercept takes back, and by no less for everybody else? Then no finite β is best.
 */
export const isStretchable = (data: WeibullData, direction: Float64Array): boolean => {
  const { count, width, event, z } = data;
  const score = new Float64Array(count);
  let sum = 0;
  let failures = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let j = 0; j < width; j++) value += (z[i * width + j] as number) * (direction[j] as number);
    if (!Number.isFinite(value)) return false;
    score[i] = value;
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (event[i] === 1) {
      sum += value;
      failures++;
    }
  }
  const level = sum / failures;
  const allowed = 1e-11 * (high - low);
  if (!(allowed > 0)) return false;
  for (let i = 0; i < count; i++) {
    const above = (score[i] as number) - level;
    if (above < -allowed || (event[i] === 1 && above > allowed)) return false;
  }
  return true;
};
