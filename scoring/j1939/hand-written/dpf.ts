/** Particulate filter and regeneration. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, high, low, on, rest, type HandTexts } from './text.ts';

export const dpfTexts: HandTexts = {
  3251: [
    on(
      [0],
      'The exhaust can hardly get through the particulate filter: it is plugged, and the engine strangles itself to protect it.',
      'Do not force a regeneration on the shoulder; this much soot can burn through the filter. Have it serviced or swapped.',
      sources.sootMack,
    ),
    on(
      [16],
      'Pressure across the filter is well above normal; soot is winning over regeneration.',
      'Run a parked regeneration at the next safe lot, away from grass and people, and see that it finishes.',
      sources.regenFreightliner,
    ),
    on(
      [15],
      'The filter is filling a little faster than usual.',
      'A good hour at highway load usually clears it.',
      sources.regenFreightliner,
    ),
    low(
      'Almost no pressure drop is seen: hoses off, a cracked filter, or no filter at all.',
      'Follow both thin pressure lines; swapped or melted ones are common after a filter job.',
    ),
    rest(
      'The sensor that weighs the filter by pressure is blind, so regenerations are timed by guess.',
      'Blow the sensing lines clear of water and soot before fitting a new sensor.',
    ),
  ],
  3556: [
    circuit(
      'The seventh injector, which feeds fuel for regeneration, cannot be driven.',
      'Ohm its coil and the exhaust-side harness. Without it, soot builds until the truck is derated.',
    ),
    rest(
      'Regeneration fuel is not dosed right: a coked nozzle leaves the filter cold, a leaking one overheats it.',
      'Clean or replace the nozzle and check for raw diesel in the oxidation catalyst.',
    ),
  ],
  3701: [
    on(
      [0],
      'The filter is past the point where the driver may clean it. Parked regeneration is locked for good reason.',
      'Arrange a service regeneration or an exchange filter; plan for reduced power until then.',
      sources.sootMack,
    ),
    on(
      [16],
      'Soot has reached the level at which power is taken away until a regeneration completes.',
      'Park, set the brake and start the regeneration immediately; allow 40 minutes.',
      sources.sootMack,
    ),
    on(
      [15],
      'The filter asks for a regeneration soon.',
      'Keep moving at load, or start one at the next break.',
      sources.sootMack,
    ),
    rest(
      'The state of the filter is announced in a way that other controllers cannot use.',
      'Compare with the soot load value; if that is plausible, the status message alone is at fault.',
    ),
  ],
  3712: [
    rest(
      'Cleaning of the filter is refused because some other fault is active. The soot keeps coming.',
      'Clear the blocker first: usually a temperature sensor, EGR or doser code listed beside this one.',
    ),
  ],
  3715: [
    rest(
      'Regeneration is locked for good: the controller considers it unsafe after repeated failures or overheating.',
      'Only a workshop can release the lock. Ask for the reason it was set, or it will return.',
    ),
  ],
  3719: [
    on(
      [0],
      'Soot load is at its ceiling. The next thing is a forced stop of the engine or a damaged filter.',
      'Bring it to a dealer at low load; a tow is cheaper than a melted filter.',
      sources.sootMack,
    ),
    on(
      [16],
      'The calculated soot load calls for a parked regeneration now.',
      'Find a place with bare ground, engage the brake and press the switch; do not interrupt it.',
      sources.sootMack,
    ),
    on(
      [15],
      'More soot than an ordinary day’s work should leave.',
      'Cut idling and give it a long pull.',
      sources.regenFreightliner,
    ),
    rest(
      'The soot estimate cannot be trusted, because what it is computed from is missing.',
      'Check the pressure difference and exhaust temperatures; the estimate itself has no sensor.',
    ),
  ],
  3720: [
    on(
      [0, 16],
      'Incombustible ash has filled the filter; no regeneration will help any more.',
      'Schedule an off-truck cleaning or an exchange filter; back pressure and fuel burn rise until it is done.',
    ),
    high('Ash is nearing the cleaning interval.', 'Combine the filter cleaning with the next long service.'),
    rest(
      'The ash counter is off, often because a new filter was never told to the controller.',
      'Reset the ash value with the service tool after checking the filter’s age.',
    ),
  ],
  3936: [
    on(
      [0],
      'The particulate filter system as a whole is overloaded and power is restricted.',
      'Get it to a shop before the red lamp comes: a service regeneration needs a healthy engine and an hour.',
    ),
    on(
      [14, 16],
      'The filter system needs a hand: repeated regenerations have not brought the soot down.',
      'Let a shop find out why it soots (injectors, EGR, boost leak) instead of only burning it off.',
    ),
    high('The filter system works harder than it should.', 'Watch whether regenerations come closer together.'),
    rest(
      'Something in the filter system does not answer; which part, the companion codes say.',
      'Read temperatures before and after the filter with the engine warm: two that never move apart show a dead probe.',
    ),
  ],
};
