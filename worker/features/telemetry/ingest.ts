/**
 * From judged rows to the tenant's room, directly or through one of its gates. The room knows its vehicles by id and VIN, so
 * nothing is read from D1; only rows that the room calls unknown are looked up there, once: news of a vehicle may have been
 * lost on the way to the room. Then the room is given everything again, and those rows by id.
 */
import type { PositionInput, Rejection } from '#contracts/telemetry';
import { unknownVehicle, type JudgedRow } from '#contracts/telemetry-rows';
import type { IngestOutcome } from '#durable-objects/fleet-room/feed';
import { isOverloaded } from '#durable-objects/overloaded';
import { packPositions } from '#durable-objects/readings/pack-positions';
import { packReadings, unpackRows, type NamedReading } from '#durable-objects/readings/packed-readings';
import { gateOf, roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { AppError } from '../../http/errors.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { seedRoom } from '../live/publish.ts';
import { vehicleOf } from './rules.ts';
import { resolveVehicles } from './store.ts';

/** What an object that has more to do than it can says of when to come back. */
const overloadedRetrySeconds = 2;

/** Rows that were taken, or the refusal of all of them; `unknown` holds indices into what was sent. */
async function taken(send: () => Promise<IngestOutcome>): Promise<number[]> {
  let outcome: IngestOutcome;
  try {
    outcome = await send();
  } catch (cause) {
    if (isOverloaded(cause)) throw tooMuch(overloadedRetrySeconds, cause);
    return notStored(cause);
  }
  if (outcome.kind === 'busy') throw tooMuch(outcome.retryAfterSeconds);
  return outcome.unknown;
}

function notStored(cause: unknown): never {
  throw new AppError('UNAVAILABLE', 'The readings could not be stored. Send them again.', { cause });
}

const tooMuch = (retryAfterSeconds: number, cause?: unknown): AppError =>
  new AppError('RATE_LIMITED', `More comes in than can be stored. Send it again in ${retryAfterSeconds} s.`, {
    retryAfterSeconds,
    cause,
  });

/** Asks D1 for the vehicles of rows that the room does not know; answers the indices of those that are nobody's here. */
export async function placeUnknown(
  scope: TenantScope,
  env: Env,
  db: Database,
  rows: readonly NamedReading[],
): Promise<number[]> {
  const named = rows.map(({ vin, vehicleId }) => ({ vin: vin ?? undefined, vehicleId: vehicleId ?? undefined }));
  const known = await resolveVehicles(scope, db, {
    vins: named.flatMap(({ vin }) => vin ?? []),
    ids: named.flatMap(({ vehicleId }) => vehicleId ?? []),
  }).catch(notStored);
  const unknown: number[] = [];
  const placed: { index: number; vehicleId: string; reading: NamedReading['reading'] }[] = [];
  for (const [index, { reading }] of rows.entries()) {
    const vehicleId = vehicleOf(named[index] ?? {}, known);
    if (vehicleId === null) unknown.push(index);
    else placed.push({ index, vehicleId, reading });
  }
  if (placed.length === 0) return unknown;
  const gone = await taken(async () => {
    await seedRoom(env, db, scope.tenantId, scope.tenantId);
    return roomOf(env.FLEET_ROOM, scope.tenantId).ingest(packReadings(placed));
  });
  // Deleted since it was looked up.
  return [...unknown, ...gone.flatMap((at) => placed[at]?.index ?? [])].sort((a, b) => a - b);
}

/**
 * Hands rows to the room; durable when it returns. Answers rejections of rows whose vehicle the tenant does not have. Throws
 * RATE_LIMITED when the room has too much to do and UNAVAILABLE when it fails: then all of it is to be sent again.
 */
export async function ingestPositions(
  scope: TenantScope,
  env: Env,
  db: Database,
  judged: readonly JudgedRow<PositionInput>[],
  gates: number,
): Promise<Rejection[]> {
  if (judged.length === 0) return [];
  const { tenantId } = scope;
  const packed = packPositions(judged);
  const unknown = await taken(() =>
    gates === 0
      ? roomOf(env.FLEET_ROOM, tenantId).ingest(packed)
      : gateOf(env.INGEST_GATE, tenantId, Math.floor(Math.random() * gates)).ingest(tenantId, packed),
  );
  if (unknown.length === 0) return [];
  const all = unpackRows(packed);
  const missing = await placeUnknown(
    scope,
    env,
    db,
    unknown.flatMap((at) => all[at] ?? []),
  );
  return missing.flatMap((at) => {
    const index = judged[unknown[at] ?? -1]?.index;
    return index === undefined ? [] : unknownVehicle(index);
  });
}
