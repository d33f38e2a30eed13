/** Engine: oil, crankcase, speed, protection. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const engineTexts: HandTexts = {
  98: [
    on(
      [1],
      'The sump is nearly out of oil. On a bend or a grade the pump will suck air, and bearings go within a minute.',
      'Pull in at the next exit, wait five minutes and read the dipstick; add oil before another mile, and look underneath for the leak.',
    ),
    low(
      'Oil stands under the mark. It was burnt, leaked, or never filled to the top.',
      'Add a gallon at most, then measure again on level ground.',
    ),
    high(
      'There is more in the sump than there should be. If it smells of diesel or looks milky, something is leaking into it.',
      'Take an oil sample before draining: fuel or coolant in the oil is the real fault.',
    ),
    rest(
      'The oil level probe in the sump says nothing useful.',
      'Go by the dipstick every morning until the probe is replaced with the next oil change.',
    ),
  ],
  100: [
    on(
      [1],
      'Oil pressure has collapsed. Metal is running on metal; seconds decide between an oil leak and a new engine.',
      'Stop safely and switch off at once. Do not restart to “see if it comes back”; have it towed.',
      sources.protectionCummins,
    ),
    on(
      [18],
      'Oil pressure is clearly under what this speed needs: low or thinned oil, a tired pump, worn bearings.',
      'Check the level at the next safe stop. If it is full and the pressure stays low, the truck should not go on loaded.',
      sources.lampsCummins,
    ),
    on(
      [17],
      'A touch less oil pressure than usual, mostly seen hot at idle.',
      'Note mileage since the last oil change and look for diesel in the oil at the next stop.',
    ),
    high(
      'Pressure runs above the band: thick cold oil, a stuck relief valve or a plugged filter.',
      'Warm it up gently; if it persists warm, change oil and filter.',
    ),
    rest(
      'The engine has lost sight of its oil pressure: the sender or its wire, most often. The real pressure is unknown.',
      'Confirm with a mechanical gauge or by ear before trusting that it is only the sender, then replace it and its oily plug.',
    ),
  ],
  101: [
    high(
      'Combustion gas is pressing into the crankcase: a plugged breather at best, a broken piston ring at worst.',
      'Change the crankcase breather filter. If pressure stays, a cylinder has to be opened.',
    ),
    low(
      'The crankcase sits under vacuum; air intake restriction pulls on it.',
      'Look at the air filter and the breather hose for collapse.',
    ),
    rest('Crankcase pressure is not being read.', 'Wipe oil out of the sensor connector; breather mist drowns it.'),
  ],
  175: [
    high(
      'The engine oil is far too hot to lubricate. Slipping cooler, low level, or hauling uphill beyond what cooling can carry.',
      'Ease off and gear down with revs up; if the needle does not fall in two minutes, park and let it idle.',
    ),
    low('The oil has not warmed up.', 'Nothing to do on a cold morning; a thermostat if it never warms.'),
    rest(
      'Nobody knows how hot the oil is, because the sensor in the gallery is out.',
      'Watch coolant temperature in its place and fit a sensor at the next oil change.',
    ),
  ],
  190: [
    high(
      'The engine was driven past its safe speed, as when a missed downshift lets the load push it.',
      'Have valves and injectors looked at before the next long haul; an overspeed bends parts that break later.',
    ),
    low(
      'Revolutions drop under idle by themselves: starved of fuel or overloaded at idle.',
      'Change the fuel filters, then look at PTO and compressor load.',
    ),
    rest(
      'Crank speed does not arrive cleanly. Without it the engine cannot time its injection and may die without warning.',
      'Check gap and cable of the speed sensor at the flywheel housing; oil and chafing are the usual enemies.',
    ),
  ],
  636: [
    circuit(
      'The crankshaft signal drops out now and then. The truck may stall at a light and crank long afterwards.',
      'Wiggle-test the sensor cable while watching the signal; replace sensor and pigtail together.',
    ),
    rest(
      'The crankshaft sensor is dead. Some engines limp on the camshaft signal, others stop where they are.',
      'Do not switch off until parked at a shop: it may not start again.',
    ),
  ],
  1109: [
    circuit(
      'The announcement of a protective shutdown is garbled; protection itself may or may not act.',
      'Keep an eye on oil and coolant gauges and have the controller’s codes read.',
    ),
    rest(
      'The engine is about to switch itself off to survive: oil, coolant or temperature has left its limits.',
      'Stop safely now, in the seconds that are left, hazards on. The companion code tells what ran out.',
      sources.protectionCummins,
    ),
  ],
  1110: [
    circuit(
      'Whether engine protection has acted is unclear: its message is broken.',
      'Ask the driver if the engine died; a silent one beside the road is answer enough.',
    ),
    rest(
      'Engine protection has turned the engine off. What it guards against was real or its sensor failed.',
      'The truck has stopped; leave it shut down. Check oil and coolant level cold before any thought of a restart.',
      sources.protectionCummins,
    ),
  ],
  1322: [
    circuit(
      'The misfire monitor cannot judge: crank speed is too rough or missing.',
      'Fix crank and cam sensor codes first, then let it monitor again.',
    ),
    rest(
      'Several cylinders fire badly at once. A shared cause is likely: air in the fuel, low rail pressure, bad fuel.',
      'Fuel filters and a fuel sample come before injectors. Unburnt fuel will ruin the oxidation catalyst, so keep load low.',
    ),
  ],
  1569: [
    on(
      [31],
      'The engine is deliberately holding back torque to protect itself or the exhaust system.',
      'The derate is a consequence. Look for the code that came minutes before it and mend that.',
      sources.protectionCummins,
    ),
    failed(
      'A power restriction is set and will not clear on its own.',
      'A dealer visit is due; describe when the power went, uphill or after a start.',
    ),
    rest(
      'A torque limit is being signalled with values that contradict each other.',
      'Compare requested with delivered torque on a hill; no difference means only the message is wrong.',
    ),
  ],
};
