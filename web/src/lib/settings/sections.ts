/**
 * The settings, in the order of their navigation. A new page is one entry here and one folder under
 * `routes/(app)/settings`, or under `routes/(app)/admin` for the operator's: the shell shows it to whoever holds its
 * permission and keeps everybody else out.
 */
import { resolve } from '$app/paths';
import type { PageRouteId } from '$app/types';
import type { Permission } from '#contracts/roles';

export interface SettingsSection {
  word: string;
  route: Extract<PageRouteId, `/(app)/settings/${string}` | `/(app)/admin/${string}`>;
  /** Without it the entry is not shown, and the page says so when opened by its address. */
  permission: Permission;
  /** `platform`: of the operator, across organisations. */
  group: 'organisation' | 'platform';
}

export const settingsSections: readonly SettingsSection[] = [
  {
    word: 'Organisation',
    route: '/(app)/settings/organisation',
    permission: 'settings:manage',
    group: 'organisation',
  },
  { word: 'People', route: '/(app)/settings/people', permission: 'users:manage', group: 'organisation' },
  { word: 'API keys', route: '/(app)/settings/api-keys', permission: 'settings:manage', group: 'organisation' },
  { word: 'Displays', route: '/(app)/settings/displays', permission: 'displays:manage', group: 'organisation' },
  { word: 'Dealer links', route: '/(app)/settings/links', permission: 'links:manage', group: 'organisation' },
  {
    word: 'Single sign-on',
    route: '/(app)/settings/single-sign-on',
    permission: 'settings:manage',
    group: 'organisation',
  },
  { word: 'Risk', route: '/(app)/settings/risk', permission: 'scoring:manage', group: 'organisation' },
  { word: 'Scoring model', route: '/(app)/settings/model', permission: 'scoring:manage', group: 'organisation' },
  { word: 'Audit', route: '/(app)/settings/audit', permission: 'audit:read', group: 'organisation' },
  { word: 'Organisations', route: '/(app)/admin/organisations', permission: 'admin:manage', group: 'platform' },
  { word: 'Sync health', route: '/(app)/admin/sync', permission: 'admin:manage', group: 'platform' },
  { word: 'Access', route: '/(app)/admin/access', permission: 'admin:manage', group: 'platform' },
  { word: 'Audit of everything', route: '/(app)/admin/audit', permission: 'admin:manage', group: 'platform' },
];

export const settingsGroupWords: Readonly<Record<SettingsSection['group'], string>> = {
  organisation: 'This organisation',
  platform: 'Platform',
};

/** The section that an address belongs to; null for the settings' own front door. */
export const sectionAt = (pathname: string): SettingsSection | null =>
  settingsSections.find(({ route }) => {
    const href: string = resolve(route);
    return pathname === href || pathname.startsWith(`${href}/`);
  }) ?? null;
