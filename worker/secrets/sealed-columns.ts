/**
 * Every column that holds sealed values: what the rotation job seals anew when its owner gets a new data key. A column
 * missing here would lose its values once the old key is deleted; sealed-columns.workers.test.ts holds the list against the
 * schema.
 *
 * `idempotency_keys.response_sealed` is left out on purpose: an answer lives for a day, a replaced data key for a week more
 * (`replacedKeyKeptDays`), so there is nothing to seal anew.
 */
import type { SealedPlace } from './vault.ts';

export interface SealedColumn {
  table: string;
  /** Primary key column; rows are read in its order. */
  idColumn: string;
  column: string;
  /** `SealedPlace.field`. */
  field: string;
  /** The column with the owner's tenant id (null there is the platform), or null when the platform owns them all. */
  ownerColumn: string | null;
}

const column = (table: string, field: string, ownerColumn: string | null, idColumn = 'id'): SealedColumn => ({
  table,
  idColumn,
  column: `${field}_sealed`,
  field,
  ownerColumn,
});

export const sealedColumns: readonly SealedColumn[] = [
  column('sync_credentials', 'password', 'tenant_id'),
  column('sync_credentials', 'totp_secret', 'tenant_id'),
  column('sync_credentials', 'api_token', 'tenant_id'),
  column('sync_credentials', 'session', 'tenant_id'),
  column('users', 'mfa_secret', 'tenant_id'),
  column('oidc_providers', 'client_secret', 'tenant_id'),
  column('signing_keys', 'private', null, 'kid'),
  column('mail_outbox', 'message', null),
];

/** How long a replaced data key is kept: for vaults still open, and for answers kept for Idempotency-Key. */
export const replacedKeyKeptDays = 7;

/** Where one row's value of a column belongs. */
export const placeIn = ({ table, field }: SealedColumn, rowId: string): SealedPlace => ({ table, rowId, field });
