/** The places of the app's own navigation, and who finds anything there. */
import { resolve } from '$app/paths';
import { seesOnlyAssigned, type Permission, type Role } from '#contracts/roles';

export interface Place {
  route: '/(app)' | '/(app)/vehicles' | '/(app)/map' | '/(app)/alerts' | '/(app)/reports/prediction-accuracy';
  /** What is this place's too; its own address where left out. */
  root?: string;
  word: string;
  /** Drawn in a box of 20 by 20. */
  icon: string;
  /** Without it the place is not in the navigation, and says so when opened by its address. */
  permission: Permission;
}

const home = '/(app)';

export const places: readonly Place[] = [
  {
    route: home,
    word: 'Home',
    icon: 'M3 10.5 10 4l7 6.5V17h-4.5v-4h-5v4H3z',
    permission: 'vehicles:read',
  },
  {
    route: '/(app)/vehicles',
    word: 'Vehicles',
    icon: 'M2 6h9v8H2zM11 9h3.5L18 12v2h-7zM5.5 14v2M14.5 14v2',
    permission: 'vehicles:read',
  },
  {
    route: '/(app)/map',
    word: 'Map',
    icon: 'M2.5 5 7.5 3l5 2 5-2v12l-5 2-5-2-5 2zM7.5 3v12M12.5 5v12',
    permission: 'vehicles:read',
  },
  {
    route: '/(app)/alerts',
    word: 'Alerts',
    icon: 'M10 3.5 17.5 16h-15zM10 8.5v3.5M10 13.6v.6',
    permission: 'alerts:read',
  },
  {
    // The first of the reports; the others stand beside it.
    route: '/(app)/reports/prediction-accuracy',
    root: '/reports',
    word: 'Reports',
    icon: 'M3.5 16.5h13M5.5 13.5v-4M10 13.5v-9M14.5 13.5v-6',
    permission: 'reports:read',
  },
];

/** The place that an address belongs to; null for those that are in no navigation of ours. */
export const placeAt = (pathname: string): Place | null =>
  places.find(({ route, root }) => {
    const href: string = root ?? resolve(route);
    return pathname === href || (route !== home && pathname.startsWith(`${href}/`));
  }) ?? null;

/** Home stays for everybody: it is where one arrives, and says when there is nothing for a role. */
export const placesFor = (can: (permission: Permission) => boolean): Place[] =>
  places.filter(({ route, permission }) => route === home || can(permission));

/** A board of the whole fleet is of no use to somebody who sees only their own truck. */
export const hasWallBoard = (role: Role, can: (permission: Permission) => boolean): boolean =>
  can('vehicles:read') && !seesOnlyAssigned(role);
