/** Who may sign in to the portal, what they see and in which of the layouts the portal has been seen in. */
import { demoTenants } from '../world/demo.ts';
import type { PersonaName } from './personas.ts';

export type ColumnName = 'vin' | 'unit' | 'vehicle' | 'status' | 'customer';

export interface PortalLayout {
  list: 'table' | 'asset_list';
  /** Order of the list's columns; the header names them. */
  columns: readonly ColumnName[];
  /** `.fault-list` of `.fault-row`, `.dtc-table` of `.dtc-row`, or a plain table inside `.fault-list`. */
  faults: 'fault_list' | 'dtc_table' | 'plain_table';
  /** The fault list is built in the browser from data in the page, a moment after the page arrived. */
  isScripted: boolean;
  printsSourceAddress: boolean;
}

export interface PortalAccount {
  username: string;
  password: string;
  /** Company on the page and whose trucks they are: a demo tenant, or "bulk-<count>". */
  fleetName: string;
  layout: PortalLayout;
  /** Base32, used by the persona that asks for a code. */
  totpSecret: string;
  persona: PersonaName;
}

export const portalPassword = 'Portal-Demo-2026!';

const plain: PortalLayout = {
  list: 'table',
  columns: ['vin', 'unit', 'vehicle', 'status'],
  faults: 'fault_list',
  isScripted: false,
  printsSourceAddress: true,
};

const account = (username: string, fleetName: string, totpSecret: string, layout: PortalLayout): PortalAccount => ({
  username,
  password: portalPassword,
  fleetName,
  layout,
  totpSecret,
  persona: 'normal',
});

export const portalAccounts: readonly PortalAccount[] = [
  account('blueridge', 'Blue Ridge Freight', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', plain),
  account('highplains', 'High Plains Logistics', 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU', {
    ...plain,
    faults: 'dtc_table',
    isScripted: true,
  }),
  account('cascade', 'Cascade Carriers', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', {
    ...plain,
    list: 'asset_list',
    faults: 'plain_table',
    printsSourceAddress: false,
  }),
  account('bulk-100', 'bulk-100', 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK', plain),
  account('bulk-500', 'bulk-500', 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK', plain),
  account('bulk-2000', 'bulk-2000', 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK', plain),
];

/** What each demo fleet stores as its portal credentials. */
export const demoPortalAccounts: readonly { tenantName: string; username: string; password: string }[] = portalAccounts
  .filter(({ fleetName }) => demoTenants.some((tenant) => tenant.name === fleetName))
  .map(({ fleetName, username, password }) => ({ tenantName: fleetName, username, password }));
