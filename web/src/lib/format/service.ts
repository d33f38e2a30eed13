/** What happened to a truck in a shop or beside the road: the words and shapes of service records. */
import type { ServiceEventKind, ServiceEventSource } from '#contracts/service-events';
import type { StateLook } from './states.ts';

const kindLooks: Readonly<Record<ServiceEventKind, StateLook>> = {
  repair: { word: 'Repair', shape: 'triangle', tone: 'high' },
  breakdown: { word: 'Breakdown', shape: 'square', tone: 'critical' },
  preventive: { word: 'Preventive', shape: 'hollow', tone: 'low' },
  inspection: { word: 'Inspection', shape: 'dash', tone: 'neutral' },
};
export const serviceKindLook = (kind: ServiceEventKind): StateLook => kindLooks[kind];

/** What each kind means for predictions: shown where one is chosen. */
export const serviceKindHints: Readonly<Record<ServiceEventKind, string>> = {
  repair: 'Something had failed and was repaired.',
  breakdown: 'The truck stopped on the road or could not leave.',
  preventive: 'Planned work before anything failed: oil, filters, brakes.',
  inspection: 'Looked at, nothing replaced. Predictions are not judged by it.',
};

export const serviceSourceWords: Readonly<Record<ServiceEventSource, string>> = {
  api: 'Entered or sent',
  import: 'CSV file',
  portal: 'Portal case',
};
