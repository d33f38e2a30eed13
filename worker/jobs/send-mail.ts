/** Mail that could not be sent right away is tried again; what has been settled long ago is deleted. */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { sendDueMail, type SendOptions, type SendResult } from '../mail/send.ts';
import { deleteOldMail } from '../mail/store.ts';

/** A sweep ends well before the next one; what is left then is still due. */
const sweep: SendOptions = { maxMessages: 200, withinMs: 120_000 };

/** Long enough to answer "did you not get our mail?". */
const keptDays = 30;
const dayMs = 86_400_000;
const rowsPerRound = 5_000;
const maxRounds = 20;

/** Sends what is due. */
export const sendMail = (env: Env, options: Partial<SendOptions> = {}): Promise<SendResult> =>
  sendDueMail(env, openDatabase(env.DB), { ...sweep, ...options });

/** Once a night: deletes what was sent or given up a month ago; answers how many rows went. */
export async function cleanUpMail(env: Env, now: Date): Promise<number> {
  const db = openDatabase(env.DB);
  const before = new Date(now.getTime() - keptDays * dayMs).toISOString();
  let deleted = 0;
  for (let round = 0; round < maxRounds; round += 1) {
    const gone = await deleteOldMail(db, before, rowsPerRound);
    deleted += gone;
    if (gone < rowsPerRound) break;
  }
  return deleted;
}
