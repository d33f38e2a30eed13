/** Our words for a code, from the catalogue; the source's own are kept where the catalogue has only a number. */
import { describeFault, shortFaultText } from '#scoring';
import type { DescribeFault } from './rules.ts';

export const faultWords: DescribeFault = (spn, fmi) => {
  const known = describeFault(spn, fmi);
  const isNamed = known.name !== `SPN ${spn}`;
  return { description: isNamed ? shortFaultText(spn, fmi) : null, system: known.system, severity: known.severity };
};
