/** Pure rules of API keys: what one may be given, and how long it lives. */
import { apiKeyDefaultDays, apiKeyMaxDays, peopleOnlyPermissions, type CreateApiKeyInput } from '#contracts/api-keys';
import type { Permission } from '#contracts/roles';
import { canonicalEntry } from '../../http/ip-allow-list.ts';

const dayMs = 86_400_000;

/** Keys of a tenant that have not been revoked; one that has run out may still be rotated, and counts. */
export const maxKeysPerTenant = 50;

/** What is wrong with a field of the input, as an answer names it. */
export interface Issue {
  path: string;
  message: string;
}

export interface NewKey {
  scopes: Permission[];
  ipAllowList: string[] | null;
  expiresAt: Date;
  lifetimeSeconds: number;
}

/**
 * The key an input asks for, or everything that is wrong with it. A lifetime of 366 days stands even when the client's
 * clock and ours differ by the time a request takes.
 */
export function judgeInput(
  input: Pick<CreateApiKeyInput, 'scopes' | 'expiresAt' | 'ipAllowList'>,
  now: Date,
): { key: NewKey } | { issues: Issue[] } {
  const issues: Issue[] = [];
  input.scopes.forEach((scope, index) => {
    if (!peopleOnlyPermissions.includes(scope)) return;
    issues.push({ path: `scopes.${index}`, message: `${scope} is for people alone: no API key may hold it` });
  });
  const ipAllowList = input.ipAllowList?.map((entry, index) => {
    const canonical = canonicalEntry(entry);
    if (canonical === null) {
      issues.push({ path: `ipAllowList.${index}`, message: `"${entry}" is neither an IP address nor a CIDR block` });
    }
    return canonical ?? entry;
  });
  const expiresAt = new Date(input.expiresAt ?? now.getTime() + apiKeyDefaultDays * dayMs);
  const lifetimeMs = expiresAt.getTime() - now.getTime();
  if (lifetimeMs <= 0) issues.push({ path: 'expiresAt', message: 'lies in the past' });
  if (lifetimeMs > apiKeyMaxDays * dayMs + clockToleranceMs) {
    issues.push({ path: 'expiresAt', message: `lies more than ${apiKeyMaxDays} days ahead` });
  }
  if (issues.length > 0) return { issues };
  return {
    key: {
      scopes: input.scopes,
      ipAllowList: ipAllowList === undefined ? null : [...new Set(ipAllowList)],
      expiresAt,
      lifetimeSeconds: Math.max(1, Math.round(lifetimeMs / 1000)),
    },
  };
}

const clockToleranceMs = 60_000;

/** When a rotated key's new secret ends, and when the one before it does. */
export function rotationTimes(
  key: { lifetimeSeconds: number },
  overlapHours: number,
  now: Date,
): { expiresAt: Date; previousEndsAt: Date } {
  return {
    expiresAt: new Date(now.getTime() + key.lifetimeSeconds * 1000),
    previousEndsAt: new Date(now.getTime() + overlapHours * 3_600_000),
  };
}
