/** The form of the texts written one by one: per SPN, what a group of its FMIs means and what to do. */
import type { FailureMode, FmiClass } from '../fmi.ts';
import { sources, type FactSource } from '../sources.ts';

export interface HandText {
  /** The FMIs it was written for; a class stands for all of its FMIs that no other text of the SPN names. */
  on: readonly number[] | FmiClass | 'rest';
  meaning: string;
  advice: string;
  source: FactSource;
}

export type HandTexts = Readonly<Record<number, readonly HandText[]>>;

const text =
  (on: HandText['on']) =>
  (meaning: string, advice: string, source: FactSource = sources.own): HandText => ({ on, meaning, advice, source });

/** For exactly these FMIs. */
export const on = (fmis: readonly number[], ...words: [string, string, FactSource?]): HandText => text(fmis)(...words);
/** The quantity is above normal, at any level. */
export const high = text('high');
/** The quantity is below normal, at any level. */
export const low = text('low');
/** The view of it is lost: wiring, signal, data. */
export const circuit = text('circuit');
/** The thing itself fails. */
export const failed = text('fault');
/** Whatever no other text of the SPN speaks of. */
export const rest = text('rest');

/** The text of an SPN that fits a failure mode best: the FMI itself, then its class, then the rest. */
export const chooseText = (texts: readonly HandText[], mode: FailureMode): HandText | null =>
  texts.find((one) => Array.isArray(one.on) && one.on.includes(mode.fmi)) ??
  texts.find((one) => one.on === mode.class) ??
  texts.find((one) => one.on === 'rest') ??
  null;
