/** The columns of the vehicle list: what they are called, what they sort by, how wide they are. */
import { tableFeatures, type ColumnDef } from '@tanstack/svelte-table';
import type { Vehicle, VehicleSortField } from '#contracts/vehicles';
import { distanceUnit, type Units } from '../format/units.ts';

export const vehicleTableFeatures = tableFeatures({});

export interface VehicleColumn {
  id: string;
  word: string;
  /** The field the server sorts by; null when it does not. */
  sort: VehicleSortField | null;
  /** The direction a first press asks for: the one that puts the interesting end on top. */
  first: 'asc' | 'desc';
  isNumber: boolean;
  /** Rem; fixed, so that live values never move a column. */
  width: number;
}

/** Columns for a caller: the customer only where there are several. */
export function vehicleColumns(units: Units, hasCustomers: boolean): VehicleColumn[] {
  const column = (
    id: string,
    word: string,
    width: number,
    rest: Partial<Omit<VehicleColumn, 'id' | 'word' | 'width'>> = {},
  ): VehicleColumn => ({ id, word, width, sort: null, first: 'asc', isNumber: false, ...rest });
  return [
    column('unit', 'Unit', 5.4, { sort: 'unitNumber' }),
    column('risk', 'Risk', 8, { sort: 'riskScore', first: 'desc' }),
    column('action', 'Action', 11),
    column('faults', 'Active faults', 7.2, { sort: 'activeFaultCount', first: 'desc', isNumber: true }),
    column('health', 'Health', 5, { sort: 'healthScore', isNumber: true }),
    column('status', 'Status', 6.2),
    column('model', 'Truck', 11),
    column('vin', 'VIN, last 8', 6.2),
    ...(hasCustomers ? [column('customer', 'Customer', 10)] : []),
    column('odometer', `Odometer, ${distanceUnit(units)}`, 7.6, {
      sort: 'currentOdometer',
      first: 'desc',
      isNumber: true,
    }),
    column('hours', 'Engine, h', 5.4, { isNumber: true }),
    column('sync', 'Last sync', 5.8, { sort: 'lastSyncAt', first: 'desc', isNumber: true }),
  ];
}

/** The same columns as the table library takes them. */
export const tableColumns = (columns: readonly VehicleColumn[]): ColumnDef<typeof vehicleTableFeatures, Vehicle>[] =>
  columns.map(({ id, word }) => ({ id, header: word, accessorFn: (vehicle) => vehicle.id }));
