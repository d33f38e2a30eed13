/**
 * The SPNs that strand trucks, each described by hand for the ways in which it fails. No text is put together from parts; a
 * test holds them apart from one another.
 */
import { failureMode } from '../fmi.ts';
import { chassisTexts } from './chassis.ts';
import { coolingAirTexts } from './cooling-air.ts';
import { defLineTexts, defTexts } from './def.ts';
import { dpfTexts } from './dpf.ts';
import { electricalNetworkTexts } from './electrical-network.ts';
import { engineTexts } from './engine.ts';
import { fuelTexts } from './fuel.ts';
import { scrTexts } from './scr.ts';
import { chooseText, type HandText, type HandTexts } from './text.ts';

/** Texts by SPN. */
export const handWrittenTexts: HandTexts = {
  ...defTexts,
  ...defLineTexts,
  ...scrTexts,
  ...dpfTexts,
  ...engineTexts,
  ...coolingAirTexts,
  ...fuelTexts,
  ...electricalNetworkTexts,
  ...chassisTexts,
};

/** The text written for this SPN and FMI; null for SPNs that have none. */
export const handWrittenText = (spn: number, fmi: number): HandText | null => {
  const texts = Object.hasOwn(handWrittenTexts, spn) ? handWrittenTexts[spn] : undefined;
  return texts === undefined ? null : chooseText(texts, failureMode(fmi));
};
