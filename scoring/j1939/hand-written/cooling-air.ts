/** Coolant, fan, boost, EGR and turbocharger. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const coolingAirTexts: HandTexts = {
  109: [
    low(
      'The cooling system holds no pressure, so the coolant boils earlier and leaves through the cap.',
      'Let it cool for half an hour, then check cap, hoses and water pump; never open it hot.',
    ),
    high(
      'Pressure in the cooling system keeps rising. Combustion gas through a head gasket or cooler does that.',
      'Have the expansion tank tested for exhaust gas before the next load.',
    ),
    rest(
      'The pressure sender of the cooling system has given out.',
      'Squeeze the upper hose warm: hard is pressure, soft is none. Replace the sender.',
    ),
  ],
  110: [
    on(
      [0],
      'The engine is overheating. Heads warp, liners seize and the derate is only minutes ahead of the damage.',
      'Stop safely as soon as possible. Idle one minute with the heater on full if coolant is present, then shut it off; do not open the cap.',
      sources.protectionCummins,
    ),
    on(
      [16],
      'Coolant temperature is above its band and climbing under load.',
      'Drop two gears, heater on, fan forced on. If it does not come down, park before it becomes an overheat.',
      sources.lampsCummins,
    ),
    on(
      [15],
      'A few degrees over normal: a hot grade, a dirty radiator, a lazy fan.',
      'Rinse the radiator from behind and see that the fan roars when it should.',
    ),
    low(
      'The engine stays too cold to burn cleanly; a thermostat stuck open is typical.',
      'Cover nothing; change the thermostat before it costs a particulate filter.',
    ),
    rest(
      'The coolant temperature is unknown. The engine runs its fan and its mixture by a guess.',
      'Trust the cab heater as a gauge today. Sensor and connector sit near the thermostat housing.',
    ),
  ],
  111: [
    on(
      [1],
      'The coolant is gone from the tank. What is left turns to steam pockets, and the temperature gauge may even read normal.',
      'Stop, engine off. Find the leak before adding water: hose, pump weep hole, EGR cooler, heater core.',
      sources.protectionCummins,
    ),
    on(
      [18],
      'Coolant has sunk well under the minimum and keeps vanishing somewhere.',
      'Refill cold with the right mix and recheck after 50 miles; a second drop means a leak that will not wait.',
    ),
    on(
      [17],
      'Coolant is a little under the line.',
      'Top up when cold and write down how much, so that a slow leak shows.',
    ),
    high(
      'More coolant than the tank should hold was seen.',
      'Check after cooling down; rising level while hot can be gas in the coolant.',
    ),
    rest(
      'The level probe in the surge tank has failed or sits in sludge.',
      'Lift the hood and look at the tank each morning until it is replaced.',
    ),
  ],
  647: [
    circuit(
      'The command to the fan clutch does not get through; most clutches then lock on, some stay off.',
      'Stand clear and watch: a fan that never stops costs fuel, one that never starts costs an engine.',
    ),
    rest(
      'The fan clutch slips or sticks. Long climbs in heat will overheat the engine.',
      'Bolt it up solid as a get-home measure where the clutch allows, and order a new one.',
    ),
  ],
  102: [
    low(
      'Boost does not arrive: a blown charge-air hose, a leaking cooler, a turbocharger that has had enough.',
      'Listen for a hiss under load and squeeze every boot; black smoke means stop climbing hills with it.',
    ),
    high(
      'Boost exceeds its target; the turbocharger’s control is not letting go.',
      'Lift off the pedal on grades and have actuator and wastegate tested.',
    ),
    rest(
      'Boost is not measured, so fuel is cut to stay smokeless and the truck feels weak.',
      'Pull the sensor from the manifold: soot on its tip is enough to fool it.',
    ),
  ],
  412: [
    high(
      'Exhaust gas comes out of the EGR cooler far too hot. The cooler has no coolant or is choked, and may be about to crack.',
      'Check the coolant level now; losing coolant together with this heat calls for parking the truck.',
    ),
    low(
      'EGR gas stays cold: the valve is shut or the passage is sooted up.',
      'Look at the EGR valve position at idle and pull the crossover pipe.',
    ),
    rest(
      'EGR temperature is lost, and with it the watch over the cooler.',
      'Fit a new probe and check the cooler for white traces while there.',
    ),
  ],
  641: [
    circuit(
      'The electronic actuator of the turbocharger does not answer, and boost and engine braking go with it.',
      'Check its coolant-wetted connector and fuse; the actuator needs a calibration run after any swap.',
    ),
    failed(
      'The moving vanes of the turbocharger are jammed or the actuator has given up. Expect little power and no engine brake.',
      'Plan descents with service brakes only. A turbo that soots up once soots again; ask why.',
    ),
    rest(
      'The turbo’s vane control is commanded beyond what it can follow.',
      'Run the actuator sweep test with the engine cold and again hot.',
    ),
  ],
  2791: [
    circuit(
      'The EGR valve’s motor or its position signal is electrically out; the valve is parked shut.',
      'Check the heat-brittle harness above the exhaust manifold.',
    ),
    rest(
      'The EGR valve does not go where it is told. Stuck open it smokes and stalls, stuck shut it raises NOx.',
      'Clean or change the valve and relearn its stops; a filter full of soot is the bill for waiting.',
    ),
  ],
};
