/**
 * Heads of the chains in R2, one a day. They hold out when both the log and the object behind it are put back to an older
 * state: then a head names an entry that neither knows.
 */
import { z } from 'zod';

export interface DailyHead {
  seq: number;
  hash: string;
}

const prefixOf = (chain: string): string => `audit-heads/${chain}/`;

const keptSchema = z.object({ seq: z.coerce.number().int().positive(), hash: z.string() });

export type KeptHead = 'written' | 'kept' | 'contradicts';

/**
 * Writes the day's head of a chain, once: what stands there is never overwritten. `contradicts` when it says more, or
 * something else, than the chain says now: the chain has been put back.
 */
export async function keepHead(bucket: R2Bucket, chain: string, head: DailyHead, now: Date): Promise<KeptHead> {
  const at = now.toISOString();
  const key = `${prefixOf(chain)}${at.slice(0, 10)}.json`;
  const { seq, hash } = head;
  const written = await bucket.put(key, JSON.stringify({ chain, seq, hash, at }), {
    onlyIf: new Headers({ 'if-none-match': '*' }),
    httpMetadata: { contentType: 'application/json' },
    // The verification reads all heads of a chain with one listing.
    customMetadata: { seq: String(seq), hash },
  });
  if (written !== null) return 'written';
  const stored = keptSchema.safeParse((await bucket.head(key))?.customMetadata);
  if (!stored.success || stored.data.seq > seq) return 'contradicts';
  return stored.data.seq < seq || stored.data.hash === hash ? 'kept' : 'contradicts';
}

/** Every head that was kept of a chain: hash by number, and the numbers in order. */
export async function listHeads(bucket: R2Bucket, chain: string): Promise<DailyHead[]> {
  const heads: DailyHead[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({
      prefix: prefixOf(chain),
      include: ['customMetadata'],
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { customMetadata } of page.objects) {
      const head = keptSchema.safeParse(customMetadata);
      // What cannot be read proves nothing, and must not pass for proof either.
      heads.push(head.success ? head.data : { seq: 0, hash: '' });
    }
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return heads.sort((a, b) => a.seq - b.seq);
}
