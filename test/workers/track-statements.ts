/** Every statement about the long history of tracks, for the test that holds them against the indexes. */
import type { env } from 'cloudflare:workers';
import { restoreSomeDays } from '#worker/features/track-archive/restore-days';
import { openDatabase } from '#worker/db/client';
import { scopeForJob } from '#worker/http/tenant-scope';
import { ageTracks } from '#worker/jobs/age-tracks';
import { moveTracks } from '#worker/jobs/move-tracks';
import { sweepTrackFiles } from '#worker/jobs/sweep-track-files';
import { link, person, tenant, truck } from './harness.ts';
import { dayMs, fixesOf, midnight, nameOfDay, putFixes } from './track-builders.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

export async function askAboutTracks(bindings: typeof env, ask: Ask): Promise<void> {
  const [dealer, fleet] = [await tenant('dealer'), await tenant()];
  await link(dealer, fleet);
  const id = await truck(fleet);
  const { token } = await person(fleet, 'fleet_admin');
  const { token: ofDealer } = await person(dealer, 'dealer_admin');
  await putFixes(fleet, id, [...fixesOf(midnight(41), 3), ...fixesOf(midnight(40), 3)]);
  await moveTracks(bindings, new Date());
  const [from, to] = [nameOfDay(midnight(41)), nameOfDay(midnight(40))];
  const positions = `/vehicles/${id}/positions?from=${from}T00:00:00Z`;
  const look = async () => {
    for (const caller of [token, ofDealer]) {
      for (const path of ['/track-days', `/track-days?from=${from}&to=${to}`, positions])
        await ask('GET', path, caller);
    }
  };
  await look();
  const later = (days: number) => new Date(Date.now() + days * dayMs);
  await ageTracks(bindings, later(400), { calls: 1_000, listed: 1 });
  await look();
  await ask('POST', '/track-restores', token, { from, to });
  await restoreSomeDays(scopeForJob(fleet.id), bindings, openDatabase(bindings.DB), new Date());
  await look();
  await ageTracks(bindings, later(10));
  await sweepTrackFiles(bindings, later(3));
  await ageTracks(bindings, later(3_300), { calls: 1_000, listed: 1 });
}
