/** How a truck is named on screen. */

/** "2023 Kenworth T680", leaving out what is unknown; "Unknown model" when all of it is. */
export function modelName(vehicle: { year?: number | null; make: string | null; model: string | null }): string {
  const name = [vehicle.year, vehicle.make, vehicle.model]
    .filter((part) => part !== null && part !== undefined && part !== '')
    .join(' ');
  return name === '' ? 'Unknown model' : name;
}

/** The last eight characters: what a shop says on the phone. */
export const vinTail = (vin: string): string => vin.slice(-8);
