/** DEF: what strands a truck when the fluid is gone, wrong, frozen or not injected. Written one by one. */
import { sources } from '../sources.ts';
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const defTexts: HandTexts = {
  1761: [
    on(
      [1],
      'The DEF tank is empty. With nothing left to inject, the engine gives up power in steps and ends at about 5 mph.',
      'Fill DEF before the key is turned off: the crawl limit bites after a restart, a long idle or a diesel fill.',
      sources.defFreightliner,
    ),
    on(
      [18],
      'Only the last few percent of DEF are left; the first power cut is close or has begun.',
      'Put in a good quarter of a tank at the next stop, because a splash may not clear the warning.',
      sources.defLevelPrevost,
    ),
    on(
      [17],
      'DEF has fallen to roughly an eighth of the tank. Nothing is limited yet.',
      'Take DEF together with the next diesel.',
      sources.defLevelPrevost,
    ),
    high(
      'The tank reads fuller than it can be: overfilled, or a float that hangs.',
      'Let it draw down; look at the float if the gauge never moves.',
    ),
    rest(
      'The level sender in the DEF tank has lost its word, so full and empty look alike and a derate clock may start.',
      'Begin at the plug on the tank header: it lives in road spray and crystals. Replace the header only if the plug is clean.',
    ),
  ],
  3360: [
    circuit(
      'The little computer that runs DEF dosing is not heard or is badly fed; while it is mute, no fluid is dosed.',
      'Measure its battery feed and ground under load before suspecting the module.',
    ),
    rest(
      'The dosing computer reports a fault inside itself. Expect the emission derate to follow within hours of driving.',
      'Book a dealer with the maker’s software today: the module often needs flashing, not only swapping.',
    ),
  ],
  3361: [
    circuit(
      'The engine cannot drive the DEF metering unit electrically, so the catalyst goes hungry and NOx climbs.',
      'Unplug the metering unit, look for white crystals in the pins, and ring out the harness next to the exhaust.',
    ),
    rest(
      'The metering unit is told to inject and does not: crystals in its nozzle are the usual culprit.',
      'Flush it with warm water at a shop. Left alone it becomes a speed limit within a day or two.',
    ),
  ],
  3363: [
    circuit(
      'The heater in the DEF tank cannot be switched. It matters from the first night below 12 °F, when DEF freezes.',
      'Test relay, fuse and coolant valve coil before winter, not in it.',
    ),
    rest(
      'The DEF tank is heated too little or without end; frozen fluid cannot be pumped and cooked fluid spoils.',
      'In frost park indoors or keep the engine running until the tank has thawed, then have the heater valve changed.',
    ),
  ],
  3364: [
    on(
      [1, 18],
      'The fluid in the tank is far too weak: water, diesel or washer fluid got in. Power falls by a quarter, then more, then 5 mph.',
      'Dip a refractometer (32.5 % is right). If it is off, drain everything, rinse, refill and drive a test loop so the sensor relearns.',
      sources.defQualityNavistar,
    ),
    on(
      [0, 16],
      'The fluid reads stronger than DEF can be; evaporation, a wrong product or a fouled sensor.',
      'Compare with fresh DEF from a sealed jug before draining the tank.',
      sources.defQualityNavistar,
    ),
    on(
      [15, 17],
      'The concentration of the DEF has begun to stray; old stock from a hot yard tank does this.',
      'Top up with fresh fluid from a busy pump and check again after a shift.',
    ),
    circuit(
      'The quality sensor in the tank talks nonsense or nothing; the engine assumes the worst about the fluid.',
      'Check what is in the tank first, then the sensor’s data wires and its 12-volt feed.',
      sources.defFreightliner,
    ),
    rest(
      'The engine has judged the DEF unfit, by the sensor or because the catalyst stopped answering to it.',
      'Take a sample in a clear cup: cloudy, oily or coloured fluid means drain and call the dealer before the limit comes.',
      sources.defFreightliner,
    ),
  ],
  3516: [
    low(
      'There is less urea in the tank than the catalyst needs. Somebody topped up with water, or the wrong hose was used.',
      'Ask who filled last and where, then drain. Do not dilute the mistake with more fluid.',
    ),
    high(
      'More urea than the mixture can hold in solution is reported.',
      'Look for crystals around the cap and the sensor window.',
    ),
    rest(
      'The concentration measurement itself is gone; software that cannot see the mixture starts its countdown.',
      'Swap the sensor head as one unit: its level, temperature and concentration share one cable.',
    ),
  ],
  3521: [
    circuit(
      'The sensor that tells DEF from other liquids sends no usable message.',
      'Clean and reseat its connector on the tank; a second code on SPN 3364 points to the same cable.',
    ),
    rest(
      'What is in the DEF tank does not behave like DEF; diesel in it ruins pump, seals and catalyst.',
      'Do not start the engine again if diesel went in. Tow, drain and replace every wetted seal.',
    ),
  ],
  4334: [
    low(
      'The DEF pump cannot build pressure: empty pickup, blocked filter or a line sucking air.',
      'Change the DEF filter and look for a white trace along the suction line. Power reductions start soon.',
    ),
    high(
      'Pressure stays up in the DEF circuit when it should fall: the return is shut or frozen.',
      'Thaw and flush the return line; then test the return valve.',
    ),
    rest(
      'The pressure of the DEF circuit can no longer be measured, and dosing is shut off to be safe.',
      'Test the transducer on the pump block against a gauge; the pump and its sensor are usually one part.',
    ),
  ],
  5392: [
    rest(
      'The DEF pump ran dry and could not draw fluid again after start-up. In winter a frozen pickup looks the same.',
      'See that the tank holds fluid and is thawed, cycle the key, and listen for the pump; no sound means pump or relay.',
    ),
  ],
  5394: [
    circuit(
      'The injector that sprays DEF into the exhaust has an electrical break or short at its hot end.',
      'Inspect the last foot of cable: heat hardens it. A new pigtail costs less than the injector.',
    ),
    rest(
      'The DEF injector sticks open or shut. Open, it fills the pipe with stone-hard urea; shut, NOx rises.',
      'Remove and look: a white stalactite in the mixing pipe has to come out with it.',
    ),
  ],
};

/** Kept beside the DEF texts because the same failure starts it: a lost supply line. */
export const defLineTexts: HandTexts = {
  3362: [
    failed(
      'DEF does not get through its lines to the doser; kinked after a repair, frozen, or filled with crystals.',
      'Trace the hose from tank to doser by hand, then swap the in-line filter.',
    ),
    rest(
      'The supply of DEF to the doser is doubted by the controller without a clear measurement.',
      'Repeat the dosing test with the shop tool; an intermittent kink shows only when the cab is tilted or the engine warm.',
    ),
  ],
};
