/**
 * Failure mode identifiers 0–31 (J1939-73): how a parameter fails. Worded by us; 22–30 are reserved in the standard.
 */

/** What an FMI says about the parameter, from the point of view of whoever judges how bad it is. */
export type FmiClass = 'high' | 'low' | 'circuit' | 'fault' | 'reserved' | 'invalid';

/** 0 = most severe level of a direction, 1 = moderate, 2 = least. */
export type FmiLevel = 0 | 1 | 2;

export interface FailureMode {
  fmi: number;
  class: FmiClass;
  /** Only for `high` and `low`. */
  level: FmiLevel;
  meaning: string;
  /** Continues a subject on a display: "Coolant temperature" + "critically high". At most 23 characters each. */
  phrase: { measure: string; device: string; status: string };
}

const same = (text: string): FailureMode['phrase'] => ({ measure: text, device: text, status: text });
const sensed = (measure: string, device: string): FailureMode['phrase'] => ({ measure, device, status: device });

const mode = (
  fmi: number,
  fmiClass: FmiClass,
  meaning: string,
  phrase: FailureMode['phrase'],
  level: FmiLevel = 0,
): FailureMode => ({ fmi, class: fmiClass, level, meaning, phrase });

const reserved = (fmi: number): FailureMode =>
  mode(fmi, 'reserved', `Failure mode ${fmi} is reserved in the standard; its meaning is not known.`, same('fault'));

const failureModes: readonly FailureMode[] = [
  mode(0, 'high', 'Above normal, most severe level.', same('critically high')),
  mode(1, 'low', 'Below normal, most severe level.', same('critically low')),
  mode(2, 'circuit', 'Erratic, intermittent or implausible data.', sensed('reading erratic', 'signal erratic')),
  mode(3, 'circuit', 'Voltage above normal or shorted high.', sensed('sensor voltage high', 'circuit voltage high')),
  mode(4, 'circuit', 'Voltage below normal or shorted low.', sensed('sensor voltage low', 'circuit voltage low')),
  mode(5, 'circuit', 'Current below normal or open circuit.', sensed('sensor circuit open', 'circuit open')),
  mode(6, 'circuit', 'Current above normal or grounded circuit.', sensed('sensor circuit shorted', 'circuit shorted')),
  mode(7, 'fault', 'Mechanical system does not respond or is out of adjustment.', same('not responding')),
  mode(8, 'circuit', 'Abnormal frequency, pulse width or period.', sensed('signal abnormal', 'signal abnormal')),
  mode(9, 'circuit', 'Abnormal update rate: data comes too seldom or not at all.', same('data missing')),
  mode(10, 'circuit', 'Abnormal rate of change.', sensed('changing abnormally', 'signal jumps')),
  mode(11, 'fault', 'Fault with unknown root cause.', same('fault, cause unknown')),
  mode(12, 'fault', 'Failed device or component.', sensed('sensor failed', 'failed')),
  mode(13, 'circuit', 'Out of calibration.', same('out of calibration')),
  mode(14, 'fault', 'Special instructions apply: see the manufacturer.', same('needs special service')),
  mode(15, 'high', 'Above normal, least severe level.', same('slightly high'), 2),
  mode(16, 'high', 'Above normal, moderately severe level.', same('too high'), 1),
  mode(17, 'low', 'Below normal, least severe level.', same('slightly low'), 2),
  mode(18, 'low', 'Below normal, moderately severe level.', same('too low'), 1),
  mode(19, 'circuit', 'Data received from the network is in error.', same('network data bad')),
  mode(20, 'circuit', 'Data drifted high.', same('reading drifted high')),
  mode(21, 'circuit', 'Data drifted low.', same('reading drifted low')),
  ...[22, 23, 24, 25, 26, 27, 28, 29, 30].map(reserved),
  mode(31, 'fault', 'The condition exists.', same('fault present')),
];

/** The failure mode of an FMI; anything outside 0–31 is `invalid`, never an error. */
export const failureMode = (fmi: number): FailureMode =>
  failureModes[fmi] ??
  mode(fmi, 'invalid', 'The failure mode identifier is not a number from 0 to 31.', same('fault, mode unreadable'));
