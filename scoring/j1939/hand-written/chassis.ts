/** Air brakes, transmission, clutch and steering. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const chassisTexts: HandTexts = {
  46: [
    on(
      [1],
      'The wet tank is running empty: neither brakes nor suspension nor the shift cylinders are being refilled.',
      'Stop off the road while there is air to do it, brake set. Look for a blown dryer, hose or compressor line.',
      sources.airBrakeWarning,
    ),
    low(
      'Supply air builds slower than it should; compressor, dryer or a leak that keeps pace with it.',
      'Time it at the next stop: 85 to 100 psi in under 45 seconds is what a sound system does.',
    ),
    high(
      'Supply pressure passes the governor’s cut-out.',
      'The governor or unloader sticks; drain the tanks and have it replaced before a safety valve lifts.',
    ),
    rest(
      'The pressure of the supply tank is not reported.',
      'Use the dash gauges and the buzzer, and fix the sender before the next inspection.',
    ),
  ],
  117: [
    on(
      [1],
      'The primary circuit, usually the drive axles, is losing its air. A little lower and the spring brakes clamp by themselves.',
      'Stop safely now, out of traffic, and set the parking brake. Do not pump the pedal; every application uses what is left.',
      sources.springBrakes,
    ),
    low(
      'Air in the primary circuit falls further between fills than it did.',
      'Do a static leak test: engine off, brakes released, more than 2 psi a minute is too much.',
      sources.airBrakeWarning,
    ),
    high('Primary circuit pressure is over its band.', 'Check the governor setting against 125 to 135 psi.'),
    rest(
      'The primary air gauge has lost its sender.',
      'Legally the truck must not leave with a dead air gauge; swap the sender today.',
      sources.airBrakeWarning,
    ),
  ],
  118: [
    on(
      [1],
      'The secondary circuit, mostly the steer axle and trailer supply, has dropped to where braking is no longer assured.',
      'Get off the road and stop before the valves pop out. Chock it; then search the steer axle hoses and the trailer glad hands.',
      sources.springBrakes,
    ),
    low(
      'The secondary circuit bleeds down more than it should.',
      'Listen at foot valve and relay with the engine off; soapy water finds the rest.',
      sources.airBrakeWarning,
    ),
    high(
      'More air than allowed stands in the secondary circuit.',
      'One governor feeds both circuits: compare with the primary gauge before turning its screw.',
    ),
    rest(
      'What the secondary circuit holds is unknown to the dash.',
      'Fit a test gauge for the way home; inspectors put a truck out of service for this.',
      sources.airBrakeWarning,
    ),
  ],
  127: [
    on(
      [1],
      'The transmission has lost its oil pressure. Clutches slip and burn within a mile.',
      'Stop when safe, neutral, engine off. Check for a dropped pan, a burst cooler line, no fluid on the stick.',
    ),
    low(
      'Transmission pressure is weak, most often from low or foamed fluid.',
      'Measure the level hot and level; cut the filter if it was due.',
    ),
    high(
      'Transmission line pressure is beyond its limit; harsh shifts come first.',
      'The pressure regulator valve wants attention before seals do.',
    ),
    rest(
      'The gearbox pressure switch stays mute.',
      'A rough shift is the warning now; replace the switch at the valve body.',
    ),
  ],
  161: [
    high(
      'The input shaft turned faster than the box allows, a downshift too early.',
      'Have the clutch disc inspected; overspeed throws linings.',
    ),
    circuit(
      'Input shaft speed comes and goes. An automated box then refuses to shift, or shifts blind.',
      'Clean metal paste off the sensor’s tip and check its gap; it screws into the housing.',
    ),
    rest(
      'The box has no idea how fast its input turns; it may stay in the gear it is in.',
      'If it still moves, choose a route without stops to the nearest transmission shop.',
      sources.checkTransAllison,
    ),
  ],
  177: [
    on(
      [0],
      'Transmission oil is hot enough to char. Seals harden and the clutches glaze.',
      'Stand in neutral at 1,200 rpm for a few minutes, then go on gently to a shop. If it does not cool, the cooler is blocked or the fluid is gone: tow.',
    ),
    high(
      'Transmission oil runs warmer than it should on this load.',
      'Clean the cooler stack, use a lower gear on grades, leave the retarder a rest.',
    ),
    low('The transmission oil is cold and shifts are slow.', 'Let it warm at light load.'),
    rest(
      'Transmission temperature is not known, and its protection is off with it.',
      'Avoid long grades with the retarder until the sensor in the sump harness is replaced.',
    ),
  ],
  773: [
    circuit(
      'The motor that picks the gear has an electrical fault; the lever moves and nothing happens inside.',
      'Check the X-Y shifter’s plug and its supply relay; calibrate after any repair.',
    ),
    rest(
      'The gear finger cannot reach its place: bent, worn, or starved of air or current. The truck may be stuck in gear.',
      'Try once with air pressure over 100 psi and the engine off. If it stays, towing needs the driveshaft out.',
    ),
  ],
  788: [
    circuit(
      'The clutch actuator is out of touch; an automated truck then neither creeps nor pulls away.',
      'Look for rub-through at the bell housing and read the actuator’s own position.',
    ),
    rest(
      'The clutch does not open or close as ordered: worn facing, leaking air cylinder, or end of its travel.',
      'Avoid hill starts. If it smells, stop loading it; a burnt clutch takes the flywheel along.',
    ),
  ],
  2602: [
    on(
      [1],
      'The power steering is nearly without fluid. The wheel will turn heavy in the middle of a bend.',
      'Slow down, find a wide place and look; a split hose empties the rest in minutes. A refill gets you to the nearest shop, not through the day.',
    ),
    low(
      'Steering fluid is below the mark.',
      'Top up with the right fluid and look for wet hoses at the gear and the pump.',
    ),
    high(
      'There is more steering fluid than the reservoir should hold.',
      'Foam reads high: check for air sucked in at the pump.',
    ),
    failed('The steering reservoir’s level switch is broken.', 'Unscrew the cap and look daily; it is a cheap part.'),
    rest(
      'Whether the steering has fluid cannot be seen from the cab.',
      'Check by eye before each trip until the sender works.',
    ),
  ],
};
