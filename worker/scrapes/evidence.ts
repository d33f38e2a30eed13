/** The page that was not understood, kept in R2 so that a person can see what changed. */
import type { PortalPage } from './page.ts';

/** Saves what `page` shows; returns the key, or null when nothing could be saved. Never throws. */
export type SaveEvidence = (page: PortalPage, what: string) => Promise<string | null>;

/** Ten megabytes of HTML are no evidence but an attack on the bucket. */
const maxHtmlCharacters = 2_000_000;

/** Screenshot and HTML under `sync/<tenant>/<run>/<what>.{png,html}`. */
export const evidenceInBucket =
  (bucket: R2Bucket, place: { tenantId: string; runId: string }): SaveEvidence =>
  async (page, what) => {
    const key = `sync/${place.tenantId}/${place.runId}/${what.replace(/[^a-zA-Z0-9-]+/g, '-').slice(0, 60)}`;
    let saved = false;
    try {
      const html = (await page.content()).slice(0, maxHtmlCharacters);
      // Served as text: somebody else's page must never run under our name.
      await bucket.put(`${key}.html`, html, { httpMetadata: { contentType: 'text/plain; charset=utf-8' } });
      saved = true;
      await bucket.put(`${key}.png`, await page.screenshot(), { httpMetadata: { contentType: 'image/png' } });
    } catch {
      // The page may be gone; the run's own error says what matters.
    }
    return saved ? `${key}.html` : null;
  };
