/** Fuel, from the tank to the rail. Written one by one. */
import { circuit, failed, high, low, on, rest, type HandTexts } from './text.ts';

export const fuelTexts: HandTexts = {
  94: [
    on(
      [1],
      'The supply side gives next to no fuel pressure. The engine will fade and stop, often within the same hour.',
      'Change the fuel filters at the next place where the truck can stand, prime, and look for bubbles in the clear bowl.',
    ),
    low(
      'Fuel reaches the high-pressure pump weakly: filter loading up, gelled fuel, air at a fitting.',
      'Carry a spare filter. In cold weather add anti-gel before the tank gels, not after.',
    ),
    high(
      'Supply pressure is above its limit; the return is pinched or a regulator sticks.',
      'Trace the return line to the tank, above all after recent tank work.',
    ),
    rest(
      'Supply pressure is not seen any more; a weak filter would go unnoticed.',
      'Keep to filter intervals strictly until the sender at the filter head is renewed.',
    ),
  ],
  96: [
    on(
      [1],
      'The tank is all but empty. Air in a diesel means bleeding it beside the road.',
      'Buy fuel within the next 20 miles.',
    ),
    low('Under a quarter of a tank of diesel is left.', 'Refuel at the planned stop; do not pass the last one.'),
    high('The gauge claims more than a tank holds.', 'A sticking float: compare with fuel bought over a week.'),
    rest(
      'The fuel gauge cannot be believed.',
      'Go by miles since the last fill-up, and have the float in the tank checked.',
    ),
  ],
  97: [
    on(
      [0, 16, 31],
      'Water has collected in the fuel separator. Past the filter it rusts injectors and freezes in the lines.',
      'Drain the separator until clean diesel runs. If it fills again the same day, the tank or the station’s fuel is bad.',
    ),
    on(
      [15],
      'The first water shows at the bottom of the separator.',
      'Open the drain for a few seconds at the next stop.',
    ),
    rest(
      'The probe for water in the bowl is out of order.',
      'Drain by hand at every fill-up meanwhile; the probe screws out of the bowl.',
    ),
  ],
  157: [
    on(
      [0],
      'Rail pressure has shot over its limit. The relief valve may open, and the engine will cut out or limp.',
      'Do not crack any line: at this pressure a jet cuts skin. Have the pressure control valve tested.',
    ),
    on(
      [1],
      'The rail does not hold pressure: hard starting, stalling, no pull. Pump, leaking injector or empty supply.',
      'Check filters and air in the fuel before the pump; measure injector return flow to find the leaker.',
    ),
    low(
      'Rail pressure trails behind what is asked for under load.',
      'New fuel filters first; then the supply pressure, then the pump.',
    ),
    high(
      'The rail overshoots its target for moments.',
      'Usually the metering valve on the pump; note at which speed it happens.',
    ),
    rest(
      'The rail’s pressure sensor is out, and the engine falls back to a fixed, weak fuelling.',
      'The sensor sits in the rail: let a shop swap it, with the pressure bled off.',
    ),
  ],
  632: [
    circuit(
      'The fuel shut-off coil has an electrical fault; it fails towards “off”, and then nothing starts.',
      'Look for 12 volts at the coil with the key on, and for green corrosion.',
    ),
    rest(
      'The shut-off valve does not open or close when told. Closed, the engine is dead; open, it will not stop.',
      'If it will not start, tap the valve lightly as a trial; replace it before relying on it.',
    ),
  ],
  1076: [
    circuit(
      'The control valve of the high-pressure pump is not reached electrically, and rail pressure runs wild or falls away.',
      'Back-probe the two-pin plug on the pump while cranking; it often loosens.',
    ),
    rest(
      'The metering valve in the high-pressure pump sticks, from water or fine metal in the fuel.',
      'Cut the filter open: glitter means the pump is eating itself and the whole rail must be cleaned.',
    ),
  ],
  1239: [
    circuit(
      'The leak detection on the high-pressure side does not report properly.',
      'Smell and look around the rail before every start until it works again.',
    ),
    rest(
      'Fuel is escaping on the high-pressure side. Mist on a hot manifold burns.',
      'Stop and turn the engine off, away from people. No smoking, no searching with bare hands; call for a tow.',
    ),
  ],
  1347: [
    circuit(
      'The pump’s pressure regulation cannot be controlled through its wires; expect surging or a stall.',
      'Check chafing where the pump harness crosses the bracket.',
    ),
    failed(
      'The high-pressure pump no longer follows its command. Starting gets longer each day until it does not start.',
      'Arrange the repair before the next overnight stop; catch metal in the filter as proof.',
    ),
    rest(
      'What the pump delivers and what it is told to deliver drift apart.',
      'Log rail pressure on a climb to see whether pump or supply runs out first.',
    ),
  ],
};
