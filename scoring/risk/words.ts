/** Numbers as people say them. */

/** "3.4 %", "12 %"; the ends of the scale are never claimed. */
export const sayChance = (chance: number): string => {
  const percent = chance * 100;
  if (percent < 0.1) return 'under 0.1 %';
  if (percent > 99.9) return 'over 99.9 %';
  return `${percent < 10 || percent > 99 ? Math.round(percent * 10) / 10 : Math.round(percent)} %`;
};

/** "under a day", "12 days", "7 months", "3 years". */
export const sayDays = (days: number): string => {
  if (days >= 730) return `${Math.round(days / 365.25)} years`;
  if (days >= 120) return `${Math.round(days / 30.44)} months`;
  const whole = Math.round(days);
  return whole < 1 ? 'under a day' : `${whole} ${whole === 1 ? 'day' : 'days'}`;
};

/** A number with as many digits as a reader needs, thousands apart. */
const figure = (value: number): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const [whole = '', fraction] = String(Number(value.toFixed(digits))).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
};

/** A value with its unit; null is "unknown", a yes-or-no feature says so. */
export const sayValue = (value: number | null, unit: string): string => {
  if (value === null) return 'unknown';
  if (unit === 'yes = 1') return value >= 1 ? 'yes' : 'no';
  return unit === '%' ? `${figure(value)} %` : figure(value);
};
