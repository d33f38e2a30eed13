/** Charging, starting, supply, controllers and the network between them. Written one by one. */
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const electricalNetworkTexts: HandTexts = {
  158: [
    low(
      'Voltage behind the key switch sags. Controllers reboot, gauges flicker, the engine may cut out while driving.',
      'Measure from battery to key switch under load; half a volt lost points to a switch, relay or ground.',
    ),
    high(
      'Voltage behind the key is too high and will cook lamps and modules.',
      'Switch off what you can, drive to a shop by day, test the regulator.',
    ),
    rest(
      'The voltage behind the key is reported in a way that makes no sense.',
      'Compare two controllers’ readings: if only one is off, its own feed is bad.',
    ),
  ],
  167: [
    on(
      [1],
      'The alternator has stopped charging. The truck lives on its batteries now: an hour or two by day, less at night.',
      'Turn off blower, lights you do not need and the inverter, and go straight to a shop without stopping the engine.',
    ),
    low(
      'Charging is weak; a belt, a diode or a cable gives only part of what the truck uses.',
      'Check belt tension and the cable at the alternator stud for heat.',
    ),
    on(
      [0],
      'The alternator overcharges. Batteries boil, bulbs blow, controllers suffer.',
      'Shut down soon; pull the alternator’s exciter wire only if the maker allows it.',
    ),
    high('Charging voltage stands above its set point.', 'Have regulator and battery temperature sensing tested.'),
    rest(
      'The charging voltage reading is gone or absurd.',
      'Put a meter across the batteries at high idle: 13.8 to 14.4 volts is healthy.',
    ),
  ],
  168: [
    on(
      [0],
      'Far too much voltage at the batteries. Something will burn out next.',
      'Stop charging: a regulator stuck at full field. Do not jump-start others with it.',
    ),
    on(
      [1],
      'The batteries are nearly flat. It will not crank again once switched off.',
      'Keep it running to a place with a charger; test each battery alone, one bad cell drags the bank down.',
    ),
    low(
      'Battery voltage is lower than a charged bank shows.',
      'Clean and tighten posts, then load-test; suspect parking loads if it only happens on Mondays.',
    ),
    high('Slightly too much voltage at rest or while driving.', 'Verify with a hand meter before changing parts.'),
    rest(
      'The battery voltage reading jumps or is missing.',
      'Look at the sensing fuse and the ground strap between engine and frame.',
    ),
  ],
  627: [
    on(
      [2],
      'A controller loses power for moments. Each time it restarts, and the truck may buck, lose throttle or stall.',
      'Load-test the power and ground pins of that controller; a loose battery post is the classic.',
    ),
    low(
      'A controller gets too little voltage to work reliably.',
      'Fuse holder, relay contact, ground lug, in that order.',
    ),
    rest(
      'The supply of a controller is out of its limits.',
      'Compare at the fuse panel and at the controller’s plug; the difference is in between.',
    ),
  ],
  677: [
    circuit(
      'The starter relay cannot be controlled. Next time it may not crank, or the starter may stay engaged.',
      'Swap with an equal relay as a test and check the neutral or clutch interlock wire.',
    ),
    rest(
      'The starter relay does not do as told; burnt contacts either never close or never open.',
      'Leave the engine running until it can be changed. A starter that keeps turning must be disconnected at the battery.',
    ),
  ],
  629: [
    circuit(
      'A controller doubts its own data. It may be fine after a restart and fail again when hot.',
      'Cycle the master switch once. If it returns, note temperature and rain: moisture inside is common.',
    ),
    rest(
      'A control unit has found a defect in itself. What it runs works in emergency mode or not at all.',
      'Which controller it is, the source address tells. Reflash before replacing, and mind that a new unit needs programming.',
    ),
  ],
  639: [
    on(
      [2, 9, 19],
      'Messages on the truck’s main data line are missing or torn. Gauges die, shifting goes rough, cruise and engine brake quit.',
      'Measure 60 ohms across the diagnostic plug with power off: 120 means a lost terminator, near zero a short. Unplug add-on devices first.',
    ),
    failed(
      'The main data line does not work at all; controllers run alone on their defaults and the truck may not start.',
      'Pull controllers and telematics off the line one by one until it comes alive.',
    ),
    rest(
      'The wiring of the main data line shows a voltage it should not.',
      'Search where the harness passes the frame rail and the cab tilt; chafed pairs look like this in rain.',
    ),
  ],
  2000: [
    rest(
      'Nobody hears the engine controller. Tachometer, oil and temperature gauges fall to zero, even if the engine still runs.',
      'Engine running: the data line is cut. Engine dead: look for its fuses and main relay.',
    ),
  ],
  2003: [
    rest(
      'The transmission controller is silent. An automated box holds its gear or neutral and may not move off again.',
      'Do not switch off in traffic. Check the transmission’s fuse and its plug on the left rail.',
    ),
  ],
};
