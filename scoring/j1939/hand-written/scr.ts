/** SCR catalyst, NOx sensors and the derates they order. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, high, low, on, rest, type HandTexts } from './text.ts';

export const scrTexts: HandTexts = {
  3216: [
    circuit(
      'The NOx sensor ahead of the catalyst has dropped off its data line or power; dosing now follows a guess.',
      'Reseat its plug, then read the supply at the sensor with everything connected. Sensor and module come as a pair.',
    ),
    rest(
      'Raw exhaust NOx reads impossible or out of range; either the sensor is worn out or the engine really makes too much.',
      'Check EGR codes first: a stuck EGR valve makes this sensor look guilty.',
    ),
  ],
  3226: [
    high(
      'Too much NOx leaves the tailpipe. The catalyst is starved, poisoned or tired, and a power cut will be ordered.',
      'Verify DEF quality and dosing before buying a catalyst; they cause most of these.',
      sources.defFreightliner,
    ),
    circuit(
      'The tailpipe NOx sensor is silent, and nobody can prove that the exhaust is clean: inducement begins.',
      'Look for a cable burnt on the stack or a sensor full of water after a wash.',
    ),
    rest(
      'The sensor at the tailpipe fails its own plausibility check against the one ahead of the catalyst.',
      'Swap test both NOx sensors if they share a part number, and follow the fault.',
    ),
  ],
  4090: [
    rest(
      'The legal NOx limit is exceeded and the engine cannot say why. A torque limit is on its way.',
      'Pull all codes, stored ones too; the oldest aftertreatment code usually names the reason.',
    ),
  ],
  4094: [
    rest(
      'NOx went over the limit because the fluid is bad. From here the countdown to a crawl runs in engine hours.',
      'Plan the drain and refill today, while the truck can still reach a shop at speed.',
      sources.defFreightliner,
    ),
  ],
  4095: [
    rest(
      'Dosing stopped while it was needed: the supply was cut, a plug pulled, or somebody tampered.',
      'Restore dosing and complete a warm drive; if a delete device is fitted, take it out before a roadside inspector does.',
      sources.defFreightliner,
    ),
  ],
  4096: [
    rest(
      'The limit was broken with an empty DEF tank, and the engine remembers it.',
      'A full tank usually ends this in one drive. If the derate stays after 20 minutes, the level reading is wrong.',
      sources.defLevelPrevost,
    ),
  ],
  4364: [
    on(
      [1, 31],
      'The SCR hardly removes any NOx now. Loss of power is certain, and the 5 mph limit possible within a day.',
      'Head for a dealer that can run a dosing and conversion test; do not keep clearing the code, each return shortens the countdown.',
    ),
    on(
      [18],
      'Conversion in the SCR has slipped below what the law allows, though the truck still pulls.',
      'Book service this week: DEF injector spray, exhaust leaks upstream, then the catalyst.',
    ),
    low(
      'The SCR converts a little less than it should; short trips and cold exhaust give the same picture.',
      'One long highway pull warms the catalyst enough to tell weakness from cold.',
    ),
    rest(
      'The efficiency of the SCR cannot be worked out from what the two NOx sensors report.',
      'Take this as a sensor problem until both sensors pass their self-test.',
    ),
  ],
  4792: [
    circuit(
      'Information about the SCR catalyst as a whole is missing or contradictory.',
      'Read the aftertreatment module’s own codes; this one only repeats that something there is not well.',
    ),
    rest(
      'The catalyst assembly does not do its work or is not there at all.',
      'Check that brick, mixer and clamps are in place; a shop must weigh or replace the canister.',
    ),
  ],
  5246: [
    on(
      [0],
      'Last stage of the emission penalty: the truck is limited to walking pace until the fault behind it is repaired.',
      'Get off the highway now. Only the repair, confirmed with the maker’s tool, lifts the limit; a tow may be quicker.',
      sources.defQualityNavistar,
    ),
    on(
      [16],
      'Second stage of the emission penalty: torque is cut hard and the next step is the 5 mph limit.',
      'Do not shut off far from help. Drive straight to the nearest shop that can clear inducements.',
      sources.defQualityNavistar,
    ),
    on(
      [15],
      'First stage of the emission penalty: a quarter of the torque may be missing, and a clock is running.',
      'There are hours, not days. Find the DEF or SCR code beside this one and have that fixed.',
      sources.defQualityNavistar,
    ),
    rest(
      'The engine says that it is restricting itself for emission reasons without saying how far.',
      'Treat it as the first stage and look for its companion code.',
    ),
  ],
};
