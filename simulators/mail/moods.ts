/** The ways a mail provider goes wrong, chosen through the control routes. */
import { z } from 'zod';

export const moodNames = [
  'well',
  'rate_limited',
  'down',
  'refuses_key',
  'rejects',
  'garbage',
  'hangs',
  'loses_answer',
] as const;

export const moodSchema = z.strictObject({
  mood: z.enum(moodNames),
  /** After so many requests it is well again; absent: until it is told so. */
  times: z.number().int().min(1).max(1000).optional(),
  retryAfterSeconds: z.number().int().min(0).max(3600).default(1),
});
export type Mood = z.infer<typeof moodSchema>;

export const well: Mood = { mood: 'well', retryAfterSeconds: 1 };

export interface MailCounters {
  requests: number;
  /** Messages that reached the mailbox. */
  accepted: number;
  /** Requests answered from memory because their key was known. */
  replayed: number;
  answersByStatus: Record<string, number>;
}

export const emptyCounters = (): MailCounters => ({ requests: 0, accepted: 0, replayed: 0, answersByStatus: {} });
